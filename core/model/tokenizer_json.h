// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tokenizer_pipeline.h"

#include <filesystem>

namespace kurtoscope {

// Reads a tokenizer.json. Its truncation and padding settings are left aside: the caller says the length.
// Throws Error naming file and key: damaged, or a kind that is not supported (then with what is).
TokenizerStages readTokenizerJson(const std::filesystem::path& file);

} // namespace kurtoscope
