// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/reading.h"
#include "core/data/strict_json.h"

namespace kurtoscope {

// A reading as a JSON object: figures that are absent have no key.
nlohmann::json readingToJson(const Reading& reading);
Reading readingFromJson(StrictObject object); // throws Error

} // namespace kurtoscope
