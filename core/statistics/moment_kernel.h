// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <span>

namespace kurtoscope {

// Where the accumulators of consecutive channels lie, a kernel's width of them or what is said.
template <class Double, class Float>
struct MomentPointers {
    Double* count;
    Double* mean;
    Double* m2;
    Double* m3;
    Double* m4;
    Double* above;
    Float* min;
    Float* max;
};
using MomentTile = MomentPointers<double, float>;
using ConstMomentTile = MomentPointers<const double, const float>;

inline constexpr int widestMomentTile = 32; // no kernel takes more channels at once

struct MomentKernel {
    const char* name;
    int width; // channels at once: a power of two up to widestMomentTile
    // Merges `rows` rows (at least one, `stride` floats apart) of one tile of channels into `tile`, and
    // returns the largest |x|. When a value is not finite: −1, with `tile` untouched.
    float (*add)(const float* values, std::int64_t rows, std::int64_t stride, float bar,
                 const MomentTile& tile);
    // Merges `other` into `tile`, both of `channels` channels.
    void (*merge)(std::int64_t channels, const MomentTile& tile, const ConstMomentTile& other);
    // The largest finite |x| of `rows` rows of `channels` values; 0 if there is none.
    float (*largest)(const float* values, std::int64_t rows, std::int64_t stride, std::int64_t channels);
};

// The kernels that this processor can run, the fastest first.
KURTOSCOPE_API std::span<const MomentKernel> momentKernels();

// Merges central moments B into A after Chan et al. (1979) and Pébay (2008), equations 1.1 to 1.4 generalised
// to sets. Works for double and for vectors of double; `count + otherCount` must not be 0.
template <class Real>
[[gnu::always_inline]] inline void
mergeCentralMoments(Real& count, Real& mean, Real& m2, Real& m3, Real& m4, const Real& otherCount,
                    const Real& otherMean, const Real& otherM2, const Real& otherM3, const Real& otherM4) {
    const Real na = count, nb = otherCount, n = na + nb;
    const Real delta = otherMean - mean, step = delta / n, product = na * nb;
    m4 += otherM4 + delta * step * step * step * product * (na * na - product + nb * nb) +
          6.0 * step * step * (na * na * otherM2 + nb * nb * m2) + 4.0 * step * (na * otherM3 - nb * m3);
    m3 += otherM3 + delta * step * step * product * (na - nb) + 3.0 * step * (na * otherM2 - nb * m2);
    m2 += otherM2 + delta * step * product;
    const Real moved = mean + nb * step;
    mean = na == 0.0 ? otherMean : moved; // exact for the first block: a constant channel keeps variance 0
    count = n;
}

} // namespace kurtoscope
