// SPDX-License-Identifier: GPL-3.0-or-later
// Quantize–dequantize, one sweep for ranges and one for rounding. One block a row.
#pragma once

#include "core/cuda/kernels/grid.cuh"
#include "core/cuda/round_cuda.h"

namespace {

// The extent of one row, known to every thread of its block. Both ends start at 0, which belongs to every
// range.
__device__ inline void roundExtent(const float* row, std::int64_t channels, const std::int32_t* inlier,
                                   float& low, float& high) {
    low = high = 0;
    for (std::int64_t c = threadIdx.x; c < channels; c += blockThreads) {
        const float x = (inlier && !inlier[c]) || !isNumber(row[c]) ? 0.0f : row[c];
        low = fminf(low, x);
        high = fmaxf(high, x);
    }
    low = -overBlock(-low, LargestOf());
    high = overBlock(high, LargestOf());
}

__global__ void __launch_bounds__(blockThreads) roundExtentKernel(KurtoscopeCudaRound work) {
    const std::int64_t sequence = blockIdx.x / work.rows, row = blockIdx.x % work.rows;
    if (work.lengths && row % work.positions >= work.lengths[sequence]) return;
    float low, high;
    roundExtent(work.x + std::int64_t(blockIdx.x) * work.channels, work.channels, work.inlier, low, high);
    if (threadIdx.x == 0) widen(work.extents + 2 * sequence, low, high);
}

__global__ void __launch_bounds__(blockThreads) roundKernel(KurtoscopeCudaRound work) {
    const std::int64_t base = std::int64_t(blockIdx.x) * work.channels;
    DeviceGrid grid = gridEnds(work.bits, work.symmetric, false);
    if (work.dynamic && work.perToken) {
        float low, high;
        roundExtent(work.x + base, work.channels, work.inlier, low, high);
        grid = gridOver(low, high, work.bits, work.symmetric, false);
    } else if (work.dynamic) {
        const float* ends = work.extents + 2 * (blockIdx.x / work.rows);
        grid = gridOver(-ends[0], ends[1], work.bits, work.symmetric, false);
    } else {
        grid.scale = work.scale, grid.zero = work.zero;
    }
    for (std::int64_t c = threadIdx.x; c < work.channels; c += blockThreads) {
        const float x = work.x[base + c];
        work.out[base + c] = work.inlier && !work.inlier[c] ? x : (levelOf(x, grid) - grid.zero) * grid.scale;
    }
}

inline const char* runRound(const KurtoscopeCudaRound& work) {
    const std::int64_t blocks = work.sequences * work.rows;
    if (blocks == 0) return nullptr;
    if (work.dynamic && !work.perToken) {
        fillWithZeros(work.extents, 2 * work.sequences * std::int64_t(sizeof(float)), work.stream);
        KURTOSCOPE_LAUNCH(roundExtentKernel, blocks, 1, blockThreads, work.stream, work);
    }
    KURTOSCOPE_LAUNCH(roundKernel, blocks, 1, blockThreads, work.stream, work);
    return launchFailure();
}

} // namespace
