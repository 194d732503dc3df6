// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/export_plan.h"

#include <nlohmann/json_fwd.hpp>

namespace kurtoscope {

// A check as an export's report keeps it and `verify --json` prints it; "skipped" where it did not run.
KURTOSCOPE_API nlohmann::ordered_json checkJson(const CheckResult& result);

} // namespace kurtoscope
