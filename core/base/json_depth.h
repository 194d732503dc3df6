// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace kurtoscope {

// What a JSON file read here may nest; real ones need six. Copying and printing a parsed value recurse, so
// that a file of a million opening brackets would end the program by its stack.
constexpr int deepestJson = 64;

// Whether arrays and objects are open more than `deepest` deep anywhere in `json`, which need not be valid.
bool nestsDeeper(std::string_view json, int deepest);

} // namespace kurtoscope
