// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/check_json.h"

#include "core/data/strict_json.h"

#include <nlohmann/json.hpp>

namespace kurtoscope {

nlohmann::ordered_json checkJson(const CheckResult& result) {
    nlohmann::ordered_json entry{{"way", result.check.way},
                                 {"versions", result.versions},
                                 {"tolerance", realJson(result.check.tolerance)}};
    if (!result.ran()) {
        entry["skipped"] = result.skipped;
        return entry;
    }
    entry["difference"] = realJson(result.difference);
    entry["largest"] = realJson(result.largest);
    if (result.byLibTorch) entry["difference_by_libtorch"] = realJson(*result.byLibTorch);
    if (const auto& steps = result.steps)
        entry["layer_by_layer"] = {{"difference", realJson(steps->difference)},
                                   {"largest_at", steps->where},
                                   {"tensors", steps->tensors},
                                   {"rounded_values", steps->rounded},
                                   {"tipped_values", steps->tipped}};
    entry["passed"] = result.passed();
    return entry;
}

} // namespace kurtoscope
