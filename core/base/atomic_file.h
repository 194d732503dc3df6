// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <filesystem>
#include <string_view>

namespace kurtoscope {

// Writes `bytes` beside `path` under a temporary name, syncs and renames: readers see the old file or the whole new
// one. Throws Error (no space, no permission, missing folder); the old file then stays.
KURTOSCOPE_API void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes);

// The whole file as bytes. Throws Error when it is missing or unreadable.
KURTOSCOPE_API std::string readFile(const std::filesystem::path& path);

} // namespace kurtoscope
