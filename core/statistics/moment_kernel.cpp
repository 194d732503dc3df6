// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/moment_kernel.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kurtoscope {
namespace {

// Vector types of `lanes` doubles, as many floats, and twice as many floats and integers.
template <int lanes>
struct Vectors;
#define KURTOSCOPE_VECTORS(LANES)                                                                            \
    template <>                                                                                              \
    struct Vectors<LANES> {                                                                                  \
        typedef double Doubles __attribute__((vector_size(LANES * 8)));                                      \
        typedef float Halves __attribute__((vector_size(LANES * 4)));                                        \
        typedef float Floats __attribute__((vector_size(LANES * 8)));                                        \
        typedef std::int32_t Ints __attribute__((vector_size(LANES * 8)));                                   \
    }
KURTOSCOPE_VECTORS(2);
#if defined(__x86_64__)
KURTOSCOPE_VECTORS(4);
KURTOSCOPE_VECTORS(8);
#endif
#undef KURTOSCOPE_VECTORS

// One register tile, rows inner: the accumulators of 2 × Lanes × Vectors channels stay in registers over all
// rows. Written with vector types, because compilers do not keep arrays of accumulators in registers by
// themselves.
template <int Lanes, int Count>
struct Kernel {
    using Doubles = typename Vectors<Lanes>::Doubles;
    using Halves = typename Vectors<Lanes>::Halves;
    using Floats = typename Vectors<Lanes>::Floats;
    using Ints = typename Vectors<Lanes>::Ints;
    static constexpr int width = 2 * Lanes * Count;
    static_assert(width <= widestMomentTile);

    // What is gathered of a block of rows: sums of powers about the first row, and extremes.
    struct Sums {
        Doubles shift[2 * Count], s1[2 * Count], s2[2 * Count], s3[2 * Count], s4[2 * Count];
        Floats low[Count], high[Count];
    };

    template <class Vector, class Scalar>
    [[gnu::always_inline]] static inline void load(Vector& into, const Scalar* from) {
        std::memcpy(&into, from, sizeof(Vector));
    }

    // `widen`: Lanes floats to doubles. `addSquare(d, sum)`: sum += d².
    template <class Widen, class AddSquare>
    [[gnu::always_inline]] static inline void gather(const float* values, std::int64_t rows,
                                                     std::int64_t stride, Sums& sums, Widen widen,
                                                     AddSquare addSquare) {
        Doubles shift[2 * Count], s1[2 * Count], s2[2 * Count], s3[2 * Count], s4[2 * Count];
        Floats low[Count], high[Count];
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v) {
            widen(values + v * Lanes, shift[v]);
            s1[v] = s2[v] = s3[v] = s4[v] = Doubles{};
        }
#pragma GCC unroll 8
        for (int v = 0; v < Count; ++v) {
            load(low[v], values + v * 2 * Lanes);
            high[v] = low[v];
        }
        const float* row = values;
        for (std::int64_t r = 0; r < rows; ++r, row += stride) {
#pragma GCC unroll 8
            for (int v = 0; v < Count; ++v) {
                // Rows of a wide site are pages apart: the processor cannot guess them.
                __builtin_prefetch(row + 8 * stride + v * 2 * Lanes);
                Floats x;
                load(x, row + v * 2 * Lanes);
                low[v] = x < low[v] ? x : low[v];
                high[v] = x > high[v] ? x : high[v];
            }
#pragma GCC unroll 8
            for (int v = 0; v < 2 * Count; ++v) {
                Doubles x;
                widen(row + v * Lanes, x);
                const Doubles d = x - shift[v], square = d * d;
                s1[v] += d;
                addSquare(d, s2[v]);
                s3[v] += square * d;
                s4[v] += square * square;
            }
        }
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v) {
            sums.shift[v] = shift[v];
            sums.s1[v] = s1[v], sums.s2[v] = s2[v], sums.s3[v] = s3[v], sums.s4[v] = s4[v];
        }
#pragma GCC unroll 8
        for (int v = 0; v < Count; ++v)
            sums.low[v] = low[v], sums.high[v] = high[v];
    }

    // Merges what was gathered, and returns what MomentKernel::add says.
    [[gnu::always_inline]] static inline float merged(const Sums& sums, const float* values,
                                                      std::int64_t rows, std::int64_t stride, float bar,
                                                      const MomentTile& tile) {
        // Sums of finite floats cannot overflow a double, so a sum that is not finite means a value that is
        // not.
        Doubles zero{};
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v)
            zero += sums.s1[v] * 0.0;
        double probe = 0;
        for (int lane = 0; lane < Lanes; ++lane)
            probe += zero[lane];
        if (!(probe == 0)) return -1;
        finish(static_cast<double>(rows), sums, tile);
        Floats most{};
#pragma GCC unroll 8
        for (int v = 0; v < Count; ++v) {
            mergeExtremes(v * 2 * Lanes, tile, sums.low[v], sums.high[v]);
            most = -sums.low[v] > most ? -sums.low[v] : most;
            most = sums.high[v] > most ? sums.high[v] : most;
        }
        float largest = 0;
        for (int lane = 0; lane < 2 * Lanes; ++lane)
            largest = most[lane] > largest ? most[lane] : largest;
        if (largest >= bar) countAbove(values, rows, stride, bar, tile);
        return largest;
    }

    [[gnu::always_inline]] static inline void mergeExtremes(std::int64_t at, const MomentTile& tile,
                                                            const Floats& low, const Floats& high) {
        Floats min, max;
        load(min, tile.min + at), load(max, tile.max + at);
        min = low < min ? low : min;
        max = high > max ? high : max;
        std::memcpy(tile.min + at, &min, sizeof min);
        std::memcpy(tile.max + at, &max, sizeof max);
    }

    // Few blocks have such values: they are gone through once more.
    [[gnu::always_inline]] static inline void countAbove(const float* values, std::int64_t rows,
                                                         std::int64_t stride, float bar,
                                                         const MomentTile& tile) {
        const Floats bars = Floats{} + bar;
        for (int v = 0; v < Count; ++v) {
            Ints above{};
            for (std::int64_t r = 0; r < rows; ++r) {
                Floats x;
                loadMagnitude(x, values + r * stride + v * 2 * Lanes);
                above -= x >= bars; // a true lane is −1
            }
            for (int lane = 0; lane < 2 * Lanes; ++lane)
                tile.above[v * 2 * Lanes + lane] += above[lane];
        }
    }

    [[gnu::always_inline]] static inline void loadMagnitude(Floats& into, const float* from) {
        const Ints bits = Ints{} + 0x7fffffff;
        load(into, from);
        into = reinterpret_cast<Floats>(reinterpret_cast<Ints>(into) & bits);
    }

    [[gnu::always_inline]] static inline float largestOf(const float* values, std::int64_t rows,
                                                         std::int64_t stride, std::int64_t channels) {
        const Floats finite = Floats{} + std::numeric_limits<float>::max();
        Floats most{};
        float largest = 0;
        for (; rows > 0; --rows, values += stride) {
            std::int64_t c = 0;
            for (; c + 2 * Lanes <= channels; c += 2 * Lanes) {
                Floats x;
                loadMagnitude(x, values + c);
                x = x <= finite ? x : Floats{};
                most = x > most ? x : most;
            }
            for (; c < channels; ++c)
                if (const float x = std::fabs(values[c]); x <= finite[0] && x > largest) largest = x;
        }
        for (int lane = 0; lane < 2 * Lanes; ++lane)
            largest = most[lane] > largest ? most[lane] : largest;
        return largest;
    }

    template <class Real>
    [[gnu::always_inline]] static inline void mergeAt(std::int64_t at, const MomentTile& tile,
                                                      const ConstMomentTile& other) {
        Real count, mean, m2, m3, m4, otherCount, otherMean, otherM2, otherM3, otherM4;
        load(count, tile.count + at), load(otherCount, other.count + at);
        load(mean, tile.mean + at), load(otherMean, other.mean + at);
        load(m2, tile.m2 + at), load(otherM2, other.m2 + at);
        load(m3, tile.m3 + at), load(otherM3, other.m3 + at);
        load(m4, tile.m4 + at), load(otherM4, other.m4 + at);
        Real sum = count, average = mean, second = m2, third = m3, fourth = m4;
        mergeCentralMoments(sum, average, second, third, fourth, otherCount, otherMean, otherM2, otherM3,
                            otherM4);
        const auto nothing = otherCount == Real{}; // 0 / 0 above, where neither side has anything
        count = sum;
        mean = nothing ? mean : average;
        m2 = nothing ? m2 : second;
        m3 = nothing ? m3 : third;
        m4 = nothing ? m4 : fourth;
        std::memcpy(tile.count + at, &count, sizeof count);
        std::memcpy(tile.mean + at, &mean, sizeof mean);
        std::memcpy(tile.m2 + at, &m2, sizeof m2);
        std::memcpy(tile.m3 + at, &m3, sizeof m3);
        std::memcpy(tile.m4 + at, &m4, sizeof m4);
    }

    [[gnu::always_inline]] static inline void mergeAll(std::int64_t channels, const MomentTile& tile,
                                                       const ConstMomentTile& other) {
        std::int64_t at = 0;
        for (; at + Lanes <= channels; at += Lanes)
            mergeAt<Doubles>(at, tile, other);
        for (; at < channels; ++at)
            mergeAt<double>(at, tile, other);
        for (at = 0; at + 2 * Lanes <= channels; at += 2 * Lanes) {
            Floats low, high;
            load(low, other.min + at), load(high, other.max + at);
            mergeExtremes(at, tile, low, high);
        }
        for (; at < channels; ++at) {
            tile.min[at] = other.min[at] < tile.min[at] ? other.min[at] : tile.min[at];
            tile.max[at] = other.max[at] > tile.max[at] ? other.max[at] : tile.max[at];
        }
        for (at = 0; at < channels; ++at)
            tile.above[at] += other.above[at];
    }

    // Raw sums about the shift to central moments, merged into the tile. The shift is a value of the block,
    // so raw sums exceed central moments at most about `rows` times and cancellation stays far below 1e-6.
    [[gnu::always_inline]] static inline void finish(double rows, const Sums& sums, const MomentTile& tile) {
        const Doubles n = Doubles{} + rows, share = Doubles{} + 1.0 / rows, none{};
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v) {
            const Doubles &s1 = sums.s1[v], &s2 = sums.s2[v], &s3 = sums.s3[v];
            const Doubles e = s1 * share, e2 = e * e;
            Doubles b2 = s2 - e * s1, b4 = sums.s4[v] - 4.0 * e * s3 + 6.0 * e2 * s2 - 3.0 * e2 * e * s1;
            const Doubles b3 = s3 - 3.0 * e * s2 + 2.0 * e2 * s1, mean = sums.shift[v] + e;
            b2 = b2 > none ? b2 : none;
            b4 = b4 > none ? b4 : none;
            Doubles count, average, m2, m3, m4;
            load(count, tile.count + v * Lanes);
            load(average, tile.mean + v * Lanes);
            load(m2, tile.m2 + v * Lanes);
            load(m3, tile.m3 + v * Lanes);
            load(m4, tile.m4 + v * Lanes);
            mergeCentralMoments(count, average, m2, m3, m4, n, mean, b2, b3, b4);
            std::memcpy(tile.count + v * Lanes, &count, sizeof count);
            std::memcpy(tile.mean + v * Lanes, &average, sizeof average);
            std::memcpy(tile.m2 + v * Lanes, &m2, sizeof m2);
            std::memcpy(tile.m3 + v * Lanes, &m3, sizeof m3);
            std::memcpy(tile.m4 + v * Lanes, &m4, sizeof m4);
        }
    }
};

template <class Kernel>
struct Convert {
    [[gnu::always_inline]] inline void operator()(const float* from, typename Kernel::Doubles& to) const {
        typename Kernel::Halves x;
        Kernel::load(x, from);
        to = __builtin_convertvector(x, typename Kernel::Doubles);
    }
};

template <class Kernel>
struct AddSquare {
    [[gnu::always_inline]] inline void operator()(const typename Kernel::Doubles& d,
                                                  typename Kernel::Doubles& sum) const {
        sum += d * d;
    }
};

// The two-lane kernel suits the SSE2 and NEON that every 64-bit processor of their kind has. Chosen by hand
// rather than by target_clones, whose resolvers run before a sanitizer has started.
using Baseline = Kernel<2, 1>;
float addBaseline(const float* values, std::int64_t rows, std::int64_t stride, float bar,
                  const MomentTile& tile) {
    Baseline::Sums sums;
    Baseline::gather(values, rows, stride, sums, Convert<Baseline>(), AddSquare<Baseline>());
    return Baseline::merged(sums, values, rows, stride, bar, tile);
}
void mergeBaseline(std::int64_t channels, const MomentTile& tile, const ConstMomentTile& other) {
    Baseline::mergeAll(channels, tile, other);
}
float largestBaseline(const float* values, std::int64_t rows, std::int64_t stride, std::int64_t channels) {
    return Baseline::largestOf(values, rows, stride, channels);
}

#if defined(__x86_64__)
#define KURTOSCOPE_AVX2 __attribute__((target("avx2,fma")))
#define KURTOSCOPE_AVX512 __attribute__((target("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")))

using Avx2 = Kernel<4, 1>;
KURTOSCOPE_AVX2 float addAvx2(const float* values, std::int64_t rows, std::int64_t stride, float bar,
                              const MomentTile& tile) {
    Avx2::Sums sums;
    Avx2::gather(values, rows, stride, sums, Convert<Avx2>(), AddSquare<Avx2>());
    return Avx2::merged(sums, values, rows, stride, bar, tile);
}
KURTOSCOPE_AVX2 void mergeAvx2(std::int64_t channels, const MomentTile& tile, const ConstMomentTile& other) {
    Avx2::mergeAll(channels, tile, other);
}
KURTOSCOPE_AVX2 float largestAvx2(const float* values, std::int64_t rows, std::int64_t stride,
                                  std::int64_t channels) {
    return Avx2::largestOf(values, rows, stride, channels);
}

// GCC 12 makes five instructions of __builtin_convertvector here. The masked form: it warns of its own other.
// And it adds a square that is at hand, although the units that add are what this waits for.
using Avx512 = Kernel<8, 2>;
KURTOSCOPE_AVX512 float addAvx512(const float* values, std::int64_t rows, std::int64_t stride, float bar,
                                  const MomentTile& tile) {
    Avx512::Sums sums;
    Avx512::gather(
        values, rows, stride, sums,
        [](const float* from, Avx512::Doubles& to)
            KURTOSCOPE_AVX512 { to = _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from)); },
        [](const Avx512::Doubles& d, Avx512::Doubles& sum)
            KURTOSCOPE_AVX512 { sum = _mm512_fmadd_pd(d, d, sum); });
    return Avx512::merged(sums, values, rows, stride, bar, tile);
}
KURTOSCOPE_AVX512 void mergeAvx512(std::int64_t channels, const MomentTile& tile,
                                   const ConstMomentTile& other) {
    Avx512::mergeAll(channels, tile, other);
}
KURTOSCOPE_AVX512 float largestAvx512(const float* values, std::int64_t rows, std::int64_t stride,
                                      std::int64_t channels) {
    return Avx512::largestOf(values, rows, stride, channels);
}
#endif

std::vector<MomentKernel> usableKernels() {
    std::vector<MomentKernel> kernels;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        kernels.push_back({"AVX-512", Avx512::width, addAvx512, mergeAvx512, largestAvx512});
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        kernels.push_back({"AVX2", Avx2::width, addAvx2, mergeAvx2, largestAvx2});
#endif
    kernels.push_back({"baseline", Baseline::width, addBaseline, mergeBaseline, largestBaseline});
    return kernels;
}

} // namespace

std::span<const MomentKernel> momentKernels() {
    static const std::vector<MomentKernel> kernels = usableKernels();
    return kernels;
}

} // namespace kurtoscope
