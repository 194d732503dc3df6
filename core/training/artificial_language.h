// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <stop_token>
#include <string>

namespace kurtoscope {

// `bytes` or a little more of an artificial language, the same for the same seed: words of invented stems
// whose frequencies follow Zipf's law, a grammar of clauses, and agreement that reaches far – adjectives and
// verbs take the ending of their noun's class and number across relative clauses, and a paragraph ends by
// naming again what it began with.
KURTOSCOPE_API std::string artificialText(std::int64_t bytes, std::uint64_t seed,
                                          std::stop_token stop = {}); // throws Cancelled

} // namespace kurtoscope
