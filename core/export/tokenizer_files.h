// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/gguf.h"

#include <string>
#include <vector>

namespace kurtoscope {

class ExportFolder;

// tokenizer.json and tokenizer_config.json out of a GGUF file's metadata. What was written is read again and
// must give the ids that `opened` gives for a text with all kinds of characters; where it does not, or the
// kind has no such form, nothing is written and a sentence says so.
std::vector<std::string> writeTokenizerFiles(const GgufFile& file, const Tokenizer* opened,
                                             ExportFolder& out);

} // namespace kurtoscope
