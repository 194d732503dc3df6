// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/weight_levels.h"

#include "core/base/error.h"
#include "core/base/parallel.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <cmath>

namespace kurtoscope {
namespace {

// The weights that share one scale: rows [firstRow, lastRow) × columns [firstColumn, lastColumn).
struct Shared {
    std::int64_t firstRow, lastRow, firstColumn, lastColumn;
};

struct Span {
    int low = 0, high = 0; // of the integers found, 0 included
};

class LevelFinder {
public:
    LevelFinder(const float* values, std::int64_t inputs, const std::vector<char>& isKept, int bits,
                bool symmetric, bool full)
        : values_(values),
          inputs_(inputs),
          isKept_(isKept),
          most_(symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1),
          least_(full ? -most_ - 1 : -most_),
          symmetric_(symmetric) {}

    // 0: there is none, as for a NaN.
    float scale(const Shared& part, Span& span) const {
        float largest = 0;
        const bool numbers = each(part, [&](float value) {
            largest = std::max(largest, std::abs(value));
            return !std::isnan(value);
        });
        if (!numbers) return 0;
        if (largest == 0) return 1;
        if (!std::isfinite(largest)) return 0;
        // The largest weight is some multiple of the step: most often of the last level.
        for (int multiple = symmetric_ ? -least_ : most_; multiple >= 1; --multiple) {
            const float about = largest / static_cast<float>(multiple);
            float candidate = std::nextafter(std::nextafter(about, 0.0F), 0.0F);
            for (int step = 0; step < 5; ++step, candidate = std::nextafter(candidate, INFINITY))
                if (fits(part, candidate, span)) return candidate;
        }
        return 0;
    }

private:
    template <class Take>
    bool each(const Shared& part, Take take) const {
        for (std::int64_t row = part.firstRow; row < part.lastRow; ++row)
            for (std::int64_t column = part.firstColumn; column < part.lastColumn; ++column)
                if (!isKept_[std::size_t(column)] && !take(values_[row * inputs_ + column])) return false;
        return true;
    }

    bool fits(const Shared& part, float scale, Span& span) const {
        span = {};
        return each(part, [&](float value) {
            const float whole = std::nearbyint(value / scale);
            if (whole * scale != value) return false;
            span.low = std::min(span.low, static_cast<int>(whole));
            span.high = std::max(span.high, static_cast<int>(whole));
            return symmetric_ ? span.low >= least_ && span.high <= most_ : span.high - span.low <= most_;
        });
    }

    const float* values_;
    std::int64_t inputs_;
    const std::vector<char>& isKept_;
    int most_, least_;
    bool symmetric_;
};

} // namespace

void WeightLevels::spread() {
    if (rowScales == outputs) return;
    rowScales = outputs;
    scales.resize(std::size_t(outputs), scales.front());
    if (!zeros.empty()) zeros.resize(std::size_t(outputs), zeros.front());
}

WeightLevels levelsOf(const at::Tensor& rounded, const WeightRule& rule, const std::set<int>& kept,
                      const std::string& name) {
    const at::Tensor plain = rounded.to(at::kCPU, at::kFloat).contiguous();
    const float* values = plain.const_data_ptr<float>();
    WeightLevels made;
    made.outputs = plain.size(0), made.inputs = plain.size(1);
    const bool grouped = rule.granularity == Granularity::per_group,
               whole = rule.granularity == Granularity::per_tensor;
    const std::int64_t width = grouped ? rule.group : made.inputs;
    made.rowScales = whole ? 1 : made.outputs;
    made.groups = (made.inputs + width - 1) / width;
    made.q.resize(std::size_t(made.outputs * made.inputs));
    made.scales.resize(std::size_t(made.rowScales * made.groups));
    if (!rule.symmetric) made.zeros.resize(made.scales.size());
    std::vector<char> isKept(std::size_t(made.inputs), 0);
    for (const int column : kept)
        isKept.at(std::size_t(column)) = 1;
    const LevelFinder finder(values, made.inputs, isKept, rule.bits, rule.symmetric, rule.fullRange);
    const int lowest = -(1 << (rule.bits - 1));
    std::atomic<std::int64_t> lost = -1;
    parallelFor(made.rowScales, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
            for (std::int64_t group = 0; group < made.groups; ++group) {
                const Shared part{whole ? 0 : row, whole ? made.outputs : row + 1, group * width,
                                  std::min(made.inputs, (group + 1) * width)};
                Span span;
                const float scale = finder.scale(part, span);
                if (scale == 0) {
                    lost = row;
                    continue;
                }
                const std::size_t at = std::size_t(row * made.groups + group);
                made.scales[at] = scale;
                // The lowest level stands on the lowest integer, so that zero has one of its own.
                const int zero = rule.symmetric ? 0 : lowest - span.low;
                if (!rule.symmetric) made.zeros[at] = static_cast<std::int8_t>(zero);
                for (std::int64_t r = part.firstRow; r < part.lastRow; ++r)
                    for (std::int64_t c = part.firstColumn; c < part.lastColumn; ++c) {
                        const std::size_t i = std::size_t(r * made.inputs + c);
                        const float n = isKept[std::size_t(c)] ? 0 : std::nearbyint(values[i] / scale);
                        made.q[i] = static_cast<std::int8_t>(static_cast<int>(n) + zero);
                    }
            }
    });
    if (lost >= 0 && !at::isfinite(plain).all().item<bool>())
        throw Error("weights are not all finite", name, "Look for NaN with \"kurtoscope inspect\"");
    if (lost >= 0)
        throw Error("the rounded weights of output " + std::to_string(lost.load()) + " lie on no grid of " +
                        std::to_string(rule.bits) + " bits",
                    name, "This is a fault in Kurtoscope: please report it with these words");
    return made;
}

} // namespace kurtoscope
