// SPDX-License-Identifier: GPL-3.0-or-later
// What products become: scales, zero points, bias, kept channels, activation function, factors and terms, in
// one sweep. A thread finishes four outputs of several rows, so that what belongs to the outputs stays near.
#pragma once

#include "core/cuda/kernels/grid.cuh"
#include "core/cuda/linear_cuda.h"

namespace {

constexpr int finishColumns = 64, finishRows = blockThreads / finishColumns, finishRounds = 4;

__device__ inline float activated(float x, int activation) {
    switch (activation) {
    case kurtoscopeGelu:
        return 0.5f * x * (1 + erff(x * 0.70710678f));
    case kurtoscopeGeluTanh:
        return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case kurtoscopeRelu:
        return x > 0 || x != x ? x : 0;
    case kurtoscopeSilu:
        return x / (1 + expf(-x));
    default:
        return x;
    }
}

// Four numbers side by side, at once where all rows begin at whole fours; those behind `count` as 0.
template <class Four, class Number>
__device__ inline void fourOf(const Number* from, int count, bool wide, Number* to) {
    if (wide) {
        const Four four = *reinterpret_cast<const Four*>(from);
        to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
        return;
    }
    for (int i = 0; i < 4; ++i)
        to[i] = i < count ? from[i] : Number(0);
}
__device__ inline void load(const float* from, int count, bool wide, float* to) {
    fourOf<float4>(from, count, wide, to);
}
__device__ inline void load(const std::int32_t* from, int count, bool wide, std::int32_t* to) {
    fourOf<int4>(from, count, wide, to);
}

__device__ inline bool liesAtFours(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(float4) == 0;
}

template <class Sum>
__device__ inline void addPart(const KurtoscopeCudaFinish& work, int part, std::int64_t row,
                               std::int64_t column, int count, bool wide, float* y) {
    // Sums lie in rows that are padded to whole fours.
    Sum sums[4];
    load(static_cast<const Sum*>(work.sums) + part * work.partStride + row * work.sumsStride + column, 4,
         true, sums);
    const std::int64_t of = row * work.ranges + work.range[part], place = part * work.outputs + column;
    const std::int32_t zero = work.rowZeros ? work.rowZeros[of] : 0;
    if (zero != 0) {
        std::int32_t columnSums[4];
        load(work.columnSums + place, count, wide, columnSums);
        for (int i = 0; i < 4; ++i)
            sums[i] -= Sum(zero * columnSums[i]);
    }
    float scales[4] = {1, 1, 1, 1};
    if (work.columnScales) load(work.columnScales + place, count, wide, scales);
    const float rowScale = work.rowScales ? work.rowScales[of] : 1;
    for (int i = 0; i < 4; ++i)
        y[i] = fmaf(float(sums[i]), rowScale * scales[i], y[i]);
}

template <class Sum>
__global__ void __launch_bounds__(blockThreads) finishKernel(KurtoscopeCudaFinish work) {
    const std::int64_t column = 4 * (std::int64_t(blockIdx.x) * finishColumns + threadIdx.x % finishColumns);
    if (column >= work.outputs) return;
    const int count = int(work.outputs - column < 4 ? work.outputs - column : 4);
    const bool wide = work.outputs % 4 == 0 && liesAtFours(work.bias) && liesAtFours(work.onto) &&
                      liesAtFours(work.times) && liesAtFours(work.plus) && liesAtFours(work.out);
    const std::int64_t first =
        std::int64_t(blockIdx.y) * finishRows * finishRounds + threadIdx.x / finishColumns;
    for (int round = 0; round < finishRounds; ++round) {
        const std::int64_t row = first + round * finishRows, at = row * work.outputs + column;
        if (row >= work.rows) return;
        float y[4] = {0, 0, 0, 0}, other[4];
        if (work.onto)
            load(work.onto + at, count, wide, y);
        else if (work.bias)
            load(work.bias + column, count, wide, y);
        for (int part = 0; part < work.parts; ++part)
            addPart<Sum>(work, part, row, column, count, wide, y);
        for (int k = 0; k < work.keptCount; ++k) {
            const float x = work.x[row * work.channels + work.kept[k]];
            load(work.keptColumns + k * work.outputs + column, count, wide, other);
            for (int i = 0; i < 4; ++i)
                y[i] = fmaf(x, other[i], y[i]);
        }
        if (work.gathered) {
            load(work.gathered + row * work.sumsStride + column, 4, true, other);
            for (int i = 0; i < 4; ++i)
                y[i] = fmaf(other[i], work.gatheredScales[row], y[i]);
        }
        for (int i = 0; i < 4; ++i)
            y[i] = activated(y[i], work.activation);
        if (work.times) {
            load(work.times + at, count, wide, other);
            for (int i = 0; i < 4; ++i)
                y[i] *= other[i];
        }
        if (work.plus) {
            load(work.plus + at, count, wide, other);
            for (int i = 0; i < 4; ++i)
                y[i] = other[i] + y[i];
        }
        if (wide) {
            *reinterpret_cast<float4*>(work.out + at) = make_float4(y[0], y[1], y[2], y[3]);
        } else {
            for (int i = 0; i < 4; ++i)
                if (i < count) work.out[at + i] = y[i];
        }
    }
}

inline const char* runFinish(const KurtoscopeCudaFinish& work) {
    if (work.rows == 0 || work.outputs == 0) return nullptr;
    const std::int64_t across = (work.outputs + 4 * finishColumns - 1) / (4 * finishColumns),
                       down = (work.rows + finishRows * finishRounds - 1) / (finishRows * finishRounds);
    if (down > 65535) return "more rows than a grid has blocks";
    if (work.isFloat)
        KURTOSCOPE_LAUNCH(finishKernel<float>, across, down, blockThreads, work.stream, work);
    else
        KURTOSCOPE_LAUNCH(finishKernel<std::int32_t>, across, down, blockThreads, work.stream, work);
    return launchFailure();
}

} // namespace
