// SPDX-License-Identifier: GPL-3.0-or-later
// Quantize–dequantize on the GPU, one sweep for ranges and one for rounding, with the arithmetic of
// core/quantization/rounding.cpp: round(clamp(x / scale + zero, low, high)), half to even.
#include "core/cuda/round_cuda.h"

#include <cuda_runtime.h>

namespace {

constexpr int threads = 256;

struct Grid {
    float scale, zero, low, high;
};

__device__ Grid gridOver(float minimum, float maximum, int bits, bool symmetric) {
    Grid grid;
    grid.zero = 0;
    if (symmetric) {
        grid.high = float((1 << (bits - 1)) - 1);
        grid.low = -grid.high;
        grid.scale = fmaxf(-minimum, maximum) / grid.high;
    } else {
        grid.low = -float(1 << (bits - 1));
        grid.high = -grid.low - 1;
        grid.scale = (maximum - minimum) / (grid.high - grid.low);
        grid.zero = grid.scale > 0 ? rintf(grid.low - minimum / grid.scale) : grid.low;
    }
    if (!(grid.scale > 0)) grid.scale = 1;
    return grid;
}

__device__ float onGrid(float x, const Grid& grid) {
    float q = x / grid.scale + grid.zero;
    q = q < grid.low ? grid.low : q;
    q = q > grid.high ? grid.high : q;
    return (rintf(q) - grid.zero) * grid.scale;
}

// The extent of one row, known to every thread of its block. Both ends start at 0, which belongs to every range.
__device__ float2 rowExtent(const float* row, std::int64_t channels, const std::int32_t* inlier) {
    __shared__ float lows[threads], highs[threads];
    float low = 0, high = 0;
    for (std::int64_t c = threadIdx.x; c < channels; c += threads) {
        const float x = (inlier && !inlier[c]) || !isfinite(row[c]) ? 0.0f : row[c];
        low = fminf(low, x);
        high = fmaxf(high, x);
    }
    lows[threadIdx.x] = low;
    highs[threadIdx.x] = high;
    __syncthreads();
    for (int half = threads / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            lows[threadIdx.x] = fminf(lows[threadIdx.x], lows[threadIdx.x + half]);
            highs[threadIdx.x] = fmaxf(highs[threadIdx.x], highs[threadIdx.x + half]);
        }
        __syncthreads();
    }
    return {lows[0], highs[0]};
}

// One block a row. Extents are ≤ 0 and ≥ 0, and among floats of one sign bit patterns sort by magnitude.
__global__ void extentKernel(KurtoscopeCudaRound work) {
    const std::int64_t sequence = blockIdx.x / work.rows, row = blockIdx.x % work.rows;
    if (work.lengths && row % work.positions >= work.lengths[sequence]) return;
    const float2 extent = rowExtent(work.x + std::int64_t(blockIdx.x) * work.channels, work.channels, work.inlier);
    if (threadIdx.x == 0) {
        auto* ends = reinterpret_cast<unsigned int*>(work.extents + 2 * sequence);
        atomicMax(ends, __float_as_uint(-extent.x));
        atomicMax(ends + 1, __float_as_uint(extent.y));
    }
}

__global__ void roundKernel(KurtoscopeCudaRound work) {
    const std::int64_t base = std::int64_t(blockIdx.x) * work.channels;
    Grid grid{work.scale, work.zero, 0, 0};
    if (work.dynamic && work.perToken) {
        const float2 extent = rowExtent(work.x + base, work.channels, work.inlier);
        grid = gridOver(extent.x, extent.y, work.bits, work.symmetric);
    } else if (work.dynamic) {
        const float* ends = work.extents + 2 * (blockIdx.x / work.rows);
        grid = gridOver(-ends[0], ends[1], work.bits, work.symmetric);
    } else {
        grid.high = float((1 << (work.bits - 1)) - 1);
        grid.low = work.symmetric ? -grid.high : -grid.high - 1;
    }
    for (std::int64_t c = threadIdx.x; c < work.channels; c += threads) {
        const float x = work.x[base + c];
        work.out[base + c] = work.inlier && !work.inlier[c] ? x : onGrid(x, grid);
    }
}

} // namespace

extern "C" __attribute__((visibility("default"))) const char* kurtoscopeCudaRound(const KurtoscopeCudaRound* work) {
    const auto blocks = static_cast<unsigned int>(work->sequences * work->rows);
    if (blocks == 0) return nullptr;
    if (work->dynamic && !work->perToken) extentKernel<<<blocks, threads>>>(*work);
    roundKernel<<<blocks, threads>>>(*work);
    const cudaError_t code = cudaGetLastError();
    return code == cudaSuccess ? nullptr : cudaGetErrorString(code);
}
