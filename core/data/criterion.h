// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <span>
#include <string>
#include <string_view>

namespace kurtoscope {

// A stated rule for which channels count as outliers. Text form "ratio:20", "top:4", "magnitude:6",
// "sigma:6"; "auto" is ratio:20. ratio: absmax > R × the site's median channel absmax. top: the K largest
// absmax of each site. sigma: absmax > S standard deviations of the site's values from their mean. magnitude:
// |x| ≥ M in ≥ 6 % of tokens of at least 25 % of the layers that have that Place (Dettmers et al. 2022,
// LLM.int8()).
struct Criterion {
    enum class Kind : unsigned char { ratio, top, magnitude, sigma } kind = Kind::ratio;
    double value = 20;

    KURTOSCOPE_API static Criterion parse(std::string_view text); // throws Error naming the kinds there are
    KURTOSCOPE_API std::string text() const;
};

// A kind of criterion for lists and forms. `usual` is the value to begin with; `suffix` follows it: " ×".
struct CriterionKind {
    Criterion::Kind kind;
    const char *id, *title, *suffix, *meaning;
    double usual;
};
KURTOSCOPE_API std::span<const CriterionKind> criterionKinds();

} // namespace kurtoscope
