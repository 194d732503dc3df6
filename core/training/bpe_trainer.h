// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <stop_token>
#include <string>
#include <string_view>

namespace kurtoscope {

// A byte-level BPE tokenizer of `vocabulary` tokens (Sennrich et al. 2016, over GPT-2's bytes and pieces),
// as a tokenizer.json: <|endoftext|> first, then the 256 bytes, then what merges make, most frequent pair
// first and of equally frequent ones the pair of lower ids. Fewer tokens where the text has no more pairs.
// Throws Error for fewer than 257, Cancelled.
KURTOSCOPE_API std::string trainByteLevelBpe(std::string_view text, int vocabulary,
                                             std::stop_token stop = {});
KURTOSCOPE_API std::string tokenizerConfig(int maxLength); // tokenizer_config.json beside it

} // namespace kurtoscope
