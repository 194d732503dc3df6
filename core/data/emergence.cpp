// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/emergence.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope {

EmergenceTotals totals(const EmergenceStep& step) {
    EmergenceTotals sum;
    for (const EmergenceSite& site : step.sites) {
        sum.outliers += site.outliers.size();
        sum.kurtosis = std::max(sum.kurtosis, site.kurtosis);
        sum.maxToMedian = std::max(sum.maxToMedian, site.maxToMedian);
        sum.weightKurtosis = std::max(sum.weightKurtosis, site.weightKurtosis);
        sum.weightError += site.weightError / double(step.sites.size());
    }
    return sum;
}

Whereabouts whereabouts(const Emergence& emergence) {
    Whereabouts found;
    if (emergence.steps.empty()) return found;
    for (const EmergenceSite& site : emergence.steps.back().sites) {
        const bool first = site.site.layer == 0;
        found.outliers += site.outliers.size();
        if (site.site.place == (first ? Place::attn_context : Place::attn_input))
            found.named += site.outliers.size();
    }
    return found;
}

double migrationCorrelation(const Emergence& emergence, double EmergenceTotals::*weights) {
    std::vector<double> kurtosis, error;
    for (const EmergenceStep& step : emergence.steps)
        if (step.step > 0) {
            const EmergenceTotals all = totals(step);
            kurtosis.push_back(all.kurtosis), error.push_back(all.*weights);
        }
    const double n = double(kurtosis.size());
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (std::size_t i = 0; i < kurtosis.size(); ++i)
        a += kurtosis[i] / n, b += error[i] / n;
    for (std::size_t i = 0; i < kurtosis.size(); ++i) {
        const double x = kurtosis[i] - a, y = error[i] - b;
        aa += x * x, bb += y * y, ab += x * y;
    }
    return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : std::nan("");
}

} // namespace kurtoscope
