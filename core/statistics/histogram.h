// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <span>
#include <vector>

namespace kurtoscope {

// Counts over [−range, range) in equal bins. The range is the power of two that holds what was added: it
// starts at the first non-zero value and doubles, joining bins in pairs, so no first pass is needed and the
// result does not depend on the order of values or of merges. Non-finite values are only counted.
class KURTOSCOPE_API Histogram {
public:
    explicit Histogram(int bins = 512); // even; throws Error otherwise

    void add(std::span<const float> values);
    void merge(const Histogram& other); // throws Error when the numbers of bins differ

    const std::vector<std::int64_t>& counts() const { return counts_; }
    double low() const { return -range_; }
    double high() const { return range_; } // 0: nothing but zeros so far, all in the middle bin
    double binWidth() const { return 2 * range_ / static_cast<double>(counts_.size()); }
    std::int64_t total() const { return total_; } // finite values
    std::int64_t nonfinite() const { return nonfinite_; }
    bool operator==(const Histogram&) const = default;

private:
    void widen(double range);

    std::vector<std::int64_t> counts_;
    double range_ = 0;
    std::int64_t total_ = 0, nonfinite_ = 0;
};

} // namespace kurtoscope
