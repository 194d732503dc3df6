// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/text_reading.h"

#include <cmath>

namespace kurtoscope {

int errorJump(const std::vector<float>& sqnrDb, double dropDb) {
    constexpr double exact = 150, poor = 10; // beyond float32's own digits; an error of a tenth of the energy
    const auto at = [&](std::size_t layer) {
        return std::isfinite(sqnrDb[layer]) ? std::min<double>(sqnrDb[layer], exact) : exact;
    };
    if (sqnrDb.empty()) return -1;
    if (at(0) < poor) return 0;
    int worst = -1;
    double largest = 0;
    for (std::size_t layer = 0; layer < sqnrDb.size(); ++layer) {
        // From an exact stream any error is a fall without end: it counts as the first error, not as a jump.
        const bool begins = layer == 0 || at(layer - 1) >= exact;
        const double drop = begins ? 0 : at(layer - 1) - at(layer);
        if (drop >= dropDb || (begins && layer > 0 && at(layer) < poor)) return static_cast<int>(layer);
        if (drop > largest || (worst < 0 && at(layer) < exact)) {
            worst = static_cast<int>(layer);
            largest = std::max(drop, largest);
        }
    }
    return worst;
}

} // namespace kurtoscope
