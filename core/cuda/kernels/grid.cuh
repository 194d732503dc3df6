// SPDX-License-Identifier: GPL-3.0-or-later
// Ranges and the grids over them, with the arithmetic of core/quantization/rounding.cpp: round(clamp(x /
// scale + zero, low, high)), half to even.
#pragma once

#include "core/cuda/kernels/launch.cuh"

namespace {

constexpr int blockThreads = 256, warpThreads = 32, blockWarps = blockThreads / warpThreads;
constexpr unsigned int wholeWarp = 0xffffffff;

struct DeviceGrid {
    float scale, zero, low, high;
};

__device__ inline DeviceGrid gridEnds(int bits, bool symmetric, bool full) {
    const float half = float(1 << (bits - 1));
    return {1, 0, symmetric && !full ? 1 - half : -half, half - 1};
}

__device__ inline DeviceGrid gridOver(float minimum, float maximum, int bits, bool symmetric, bool full) {
    DeviceGrid grid = gridEnds(bits, symmetric, full);
    if (symmetric) {
        grid.scale = fmaxf(-minimum, maximum) / (full ? grid.high + 0.5f : grid.high);
    } else {
        grid.scale = (maximum - minimum) / (grid.high - grid.low);
        grid.zero = grid.scale > 0 ? rintf(grid.low - minimum / grid.scale) : grid.low;
    }
    if (!(grid.scale > 0)) grid.scale = 1;
    return grid;
}

__device__ inline float levelOf(float x, const DeviceGrid& grid) {
    float q = x / grid.scale + grid.zero;
    q = q < grid.low ? grid.low : q;
    q = q > grid.high ? grid.high : q;
    return rintf(q);
}

__device__ inline bool isNumber(float x) {
    return fabsf(x) <= 3.402823466e38f; // neither NaN nor ∞
}

// The largest, or the sum, of what the threads of a block bring, known to all of them.
struct LargestOf {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct SumOf {
    __device__ float operator()(float a, float b) const { return a + b; }
};

template <class Join>
__device__ float overBlock(float mine, Join join) {
    __shared__ float ofWarp[blockWarps];
    for (int distance = warpThreads / 2; distance > 0; distance /= 2)
        mine = join(mine, __shfl_xor_sync(wholeWarp, mine, distance));
    if (threadIdx.x % warpThreads == 0) ofWarp[threadIdx.x / warpThreads] = mine;
    __syncthreads();
    float all = ofWarp[0];
    for (int warp = 1; warp < blockWarps; ++warp)
        all = join(all, ofWarp[warp]);
    __syncthreads(); // nobody writes the next before all have read this
    return all;
}

// Ends of a range are ≤ 0 and ≥ 0, and among floats of one sign bit patterns sort by magnitude. Differences,
// since −low of a row without negatives is −0, whose pattern would beat every other.
__device__ inline void widen(float* ends, float low, float high) {
    auto* bits = reinterpret_cast<unsigned int*>(ends);
    atomicMax(bits, __float_as_uint(0.0f - low));
    atomicMax(bits + 1, __float_as_uint(0.0f + high));
}

} // namespace
