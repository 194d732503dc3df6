// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace kurtoscope {

// A file of resources/export, or the recipe's JSON Schema, as the build found it. The name must be one of
// theirs.
std::string_view embeddedFile(std::string_view name);

} // namespace kurtoscope
