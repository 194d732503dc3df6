// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/statistics/moment_kernel.h"

#include <cstring>
#include <vector>

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
    static_assert(width <= widestMomentTile && 2 * Lanes <= rowLanes);

    template <class Vector, class Scalar>
    [[gnu::always_inline]] static inline void load(Vector& into, const Scalar* from) {
        std::memcpy(&into, from, sizeof(Vector));
    }

    [[gnu::always_inline]] static inline bool run(const float* values, std::int64_t rows, std::int64_t stride,
                                                  float bar, const MomentTile& tile, float* absmaxLanes) {
        Doubles shift[2 * Count], s1[2 * Count], s2[2 * Count], s3[2 * Count], s4[2 * Count];
        Floats low[Count], high[Count];
        Ints above[Count];
        const Floats bars = Floats{} + bar;
        const Ints magnitudeBits = Ints{} + 0x7fffffff;
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v) {
            Halves first;
            load(first, values + v * Lanes);
            shift[v] = __builtin_convertvector(first, Doubles);
            s1[v] = s2[v] = s3[v] = s4[v] = Doubles{};
        }
#pragma GCC unroll 8
        for (int v = 0; v < Count; ++v) {
            load(low[v], values + v * 2 * Lanes);
            high[v] = low[v];
            above[v] = Ints{};
        }
        const float* row = values;
        for (std::int64_t r = 0; r < rows; ++r, row += stride) {
            __builtin_prefetch(
                row + 8 * stride); // rows of a wide site are pages apart: the processor cannot guess them
            Floats largest;
            load(largest, absmaxLanes + r * rowLanes);
#pragma GCC unroll 8
            for (int v = 0; v < Count; ++v) {
                Floats x;
                load(x, row + v * 2 * Lanes);
                const Floats magnitude = reinterpret_cast<Floats>(reinterpret_cast<Ints>(x) & magnitudeBits);
                low[v] = x < low[v] ? x : low[v];
                high[v] = x > high[v] ? x : high[v];
                largest = magnitude > largest ? magnitude : largest;
                above[v] -= magnitude >= bars; // a true lane is −1
            }
            std::memcpy(absmaxLanes + r * rowLanes, &largest, sizeof largest);
#pragma GCC unroll 8
            for (int v = 0; v < 2 * Count; ++v) {
                Halves x;
                load(x, row + v * Lanes);
                const Doubles d = __builtin_convertvector(x, Doubles) - shift[v], square = d * d;
                s1[v] += d;
                s2[v] += square;
                s3[v] += square * d;
                s4[v] += square * square;
            }
        }
        // Sums of finite floats cannot overflow a double, so a sum that is not finite means a value that is
        // not.
        Doubles zero{};
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v)
            zero += s1[v] * 0.0;
        double probe = 0;
        for (int lane = 0; lane < Lanes; ++lane)
            probe += zero[lane];
        if (!(probe == 0)) return false;
        finish(static_cast<double>(rows), shift, s1, s2, s3, s4, tile);
        for (int v = 0; v < Count; ++v)
            for (int lane = 0; lane < 2 * Lanes; ++lane) {
                const int channel = v * 2 * Lanes + lane;
                tile.min[channel] = low[v][lane] < tile.min[channel] ? low[v][lane] : tile.min[channel];
                tile.max[channel] = high[v][lane] > tile.max[channel] ? high[v][lane] : tile.max[channel];
                tile.above[channel] += above[v][lane];
            }
        return true;
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
        for (std::int64_t c = 0; c < channels; ++c) {
            tile.min[c] = other.min[c] < tile.min[c] ? other.min[c] : tile.min[c];
            tile.max[c] = other.max[c] > tile.max[c] ? other.max[c] : tile.max[c];
            tile.above[c] += other.above[c];
        }
    }

    // Raw sums about the shift to central moments, merged into the tile. The shift is a value of the block,
    // so raw sums exceed central moments at most about `rows` times and cancellation stays far below 1e-6.
    [[gnu::always_inline]] static inline void finish(double rows, const Doubles* shift, const Doubles* s1,
                                                     const Doubles* s2, const Doubles* s3, const Doubles* s4,
                                                     const MomentTile& tile) {
        const Doubles n = Doubles{} + rows, none{};
#pragma GCC unroll 8
        for (int v = 0; v < 2 * Count; ++v) {
            const Doubles e = s1[v] / n, e2 = e * e;
            Doubles b2 = s2[v] - e * s1[v],
                    b4 = s4[v] - 4.0 * e * s3[v] + 6.0 * e2 * s2[v] - 3.0 * e2 * e * s1[v];
            const Doubles b3 = s3[v] - 3.0 * e * s2[v] + 2.0 * e2 * s1[v], mean = shift[v] + e;
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

// The two-lane kernel suits the SSE2 and NEON that every 64-bit processor of their kind has. Chosen by hand
// rather than by target_clones, whose resolvers run before a sanitizer has started.
using Baseline = Kernel<2, 1>;
bool addBaseline(const float* values, std::int64_t rows, std::int64_t stride, float bar,
                 const MomentTile& tile, float* lanes) {
    return Baseline::run(values, rows, stride, bar, tile, lanes);
}
void mergeBaseline(std::int64_t channels, const MomentTile& tile, const ConstMomentTile& other) {
    Baseline::mergeAll(channels, tile, other);
}

#if defined(__x86_64__)
using Avx2 = Kernel<4, 1>;
__attribute__((target("avx2,fma"))) bool addAvx2(const float* values, std::int64_t rows, std::int64_t stride,
                                                 float bar, const MomentTile& tile, float* lanes) {
    return Avx2::run(values, rows, stride, bar, tile, lanes);
}
__attribute__((target("avx2,fma"))) void mergeAvx2(std::int64_t channels, const MomentTile& tile,
                                                   const ConstMomentTile& other) {
    Avx2::mergeAll(channels, tile, other);
}

using Avx512 = Kernel<8, 1>;
__attribute__((target("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw"))) bool
addAvx512(const float* values, std::int64_t rows, std::int64_t stride, float bar, const MomentTile& tile,
          float* lanes) {
    return Avx512::run(values, rows, stride, bar, tile, lanes);
}
__attribute__((target("avx2,fma,avx512f,avx512vl,avx512dq,avx512bw"))) void
mergeAvx512(std::int64_t channels, const MomentTile& tile, const ConstMomentTile& other) {
    Avx512::mergeAll(channels, tile, other);
}
#endif

std::vector<MomentKernel> usableKernels() {
    std::vector<MomentKernel> kernels;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        kernels.push_back({"AVX-512", Avx512::width, addAvx512, mergeAvx512});
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        kernels.push_back({"AVX2", Avx2::width, addAvx2, mergeAvx2});
#endif
    kernels.push_back({"baseline", Baseline::width, addBaseline, mergeBaseline});
    return kernels;
}

} // namespace

std::span<const MomentKernel> momentKernels() {
    static const std::vector<MomentKernel> kernels = usableKernels();
    return kernels;
}

} // namespace kurtoscope
