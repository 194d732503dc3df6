// SPDX-License-Identifier: GPL-3.0-or-later
// Chosen columns as halves, one warp a row.
#pragma once

#include "core/cuda/kernels/grid.cuh"
#include "core/cuda/kernels/narrow.cuh"
#include "core/cuda/linear_cuda.h"

namespace {

__global__ void __launch_bounds__(blockThreads) gatherKernel(KurtoscopeCudaGather work) {
    const std::int64_t row = std::int64_t(blockIdx.x) * blockWarps + threadIdx.x / warpThreads;
    const int lane = int(threadIdx.x % warpThreads);
    if (row >= work.rows) return;
    const float* from = work.x + row * work.channels;
    float largest = 0;
    for (std::int64_t i = lane; i < work.count; i += warpThreads) {
        const float x = fabsf(from[work.chosen[i]]);
        if (isNumber(x)) largest = fmaxf(largest, x);
    }
    for (int distance = warpThreads / 2; distance > 0; distance /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(wholeWarp, largest, distance));
    // Within what a normal float's reciprocal can be; the largest becomes 1 to 2.
    const int exponent = min(max(int(__float_as_uint(largest) >> 23) - 127, -120), 120);
    const float down = powerOfTwo(-exponent);
    for (std::int64_t i = lane; i < work.stride; i += warpThreads)
        work.out[row * work.stride + i] =
            i < work.count ? halfBits(from[work.chosen[i]] * down) : std::uint16_t(0);
    if (lane == 0) work.scales[row] = powerOfTwo(exponent);
}

inline const char* runGather(const KurtoscopeCudaGather& work) {
    if (work.rows == 0) return nullptr;
    KURTOSCOPE_LAUNCH(gatherKernel, (work.rows + blockWarps - 1) / blockWarps, 1, blockThreads, work.stream,
                      work);
    return launchFailure();
}

} // namespace
