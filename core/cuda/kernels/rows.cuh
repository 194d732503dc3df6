// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of float32 as integers or E4M3 numbers, one block a row, the norm before them in the same sweep where
// one is given.
#pragma once

#include "core/cuda/kernels/grid.cuh"
#include "core/cuda/kernels/narrow.cuh"
#include "core/cuda/linear_cuda.h"

namespace {

constexpr float largestE4m3 = 448;

// One row as its readers see it: as it is, or normed.
struct NormedRow {
    const float *row, *weight, *bias;
    float mean, factor;

    __device__ float at(std::int64_t c) const {
        if (!weight) return row[c];
        const float y = (row[c] - mean) * factor;
        return bias ? fmaf(y, weight[c], bias[c]) : y * weight[c]; // said, or each place might fuse it or not
    }
};

__device__ inline NormedRow normedRow(const KurtoscopeCudaRows& work, const float* row) {
    NormedRow made{row, work.normWeight, work.normBias, 0, 1};
    if (!made.weight) return made;
    const float count = float(work.channels);
    if (made.bias) {
        float sum = 0;
        for (std::int64_t c = threadIdx.x; c < work.channels; c += blockThreads)
            sum += row[c];
        made.mean = overBlock(sum, SumOf()) / count;
    }
    float squares = 0;
    for (std::int64_t c = threadIdx.x; c < work.channels; c += blockThreads)
        squares += (row[c] - made.mean) * (row[c] - made.mean);
    made.factor = 1.0f / sqrtf(overBlock(squares, SumOf()) / count + work.epsilon);
    return made;
}

// Four places side by side of a range.
struct Places {
    const KurtoscopeCudaRows& work;
    bool wide; // four floats at once

    __device__ explicit Places(const KurtoscopeCudaRows& rows)
        : work(rows),
          wide(!rows.order && rows.channels % 4 == 0 &&
               reinterpret_cast<std::uintptr_t>(rows.x) % sizeof(float4) == 0) {}

    __device__ std::int64_t first(std::int64_t range) const {
        return range == 0 ? 0 : work.rangeEnd[range - 1];
    }
    __device__ std::int64_t last(std::int64_t range) const {
        return work.rangeEnd ? work.rangeEnd[range] : work.stride;
    }
    // The channel at a place; −1: padding.
    __device__ std::int64_t channel(std::int64_t place) const {
        if (work.order) return work.order[place];
        return place < work.channels ? place : -1;
    }
    __device__ bool isKept(std::int64_t channel) const { return work.inlier && !work.inlier[channel]; }
    __device__ void values(const NormedRow& row, std::int64_t place, float* to,
                           std::int64_t* channels) const {
        if (wide && !row.weight && place + 3 < work.channels) {
            const float4 four = *reinterpret_cast<const float4*>(row.row + place);
            to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
            for (int i = 0; i < 4; ++i)
                channels[i] = place + i;
            return;
        }
        for (int i = 0; i < 4; ++i) {
            channels[i] = channel(place + i);
            to[i] = channels[i] < 0 ? 0 : row.at(channels[i]);
        }
    }
};

// What a range's places in one row span, known to every thread.
__device__ inline void placesExtent(const Places& places, const NormedRow& row, std::int64_t range,
                                    float& low, float& high) {
    low = high = 0;
    for (std::int64_t place = places.first(range) + 4 * threadIdx.x; place < places.last(range);
         place += 4 * blockThreads) {
        float x[4];
        std::int64_t channels[4];
        places.values(row, place, x, channels);
        for (int i = 0; i < 4; ++i) {
            if (channels[i] < 0 || places.isKept(channels[i]) || !isNumber(x[i])) continue;
            low = fminf(low, x[i]);
            high = fmaxf(high, x[i]);
        }
    }
    low = -overBlock(-low, LargestOf());
    high = overBlock(high, LargestOf());
}

__device__ inline void writeNormed(const KurtoscopeCudaRows& work, const NormedRow& row, std::int64_t index) {
    if (!row.weight || !work.normed) return;
    float* to = work.normed + index * work.channels;
    for (std::int64_t c = threadIdx.x; c < work.channels; c += blockThreads)
        to[c] = row.at(c);
}

// Ranges of whole tensors, each sequence's own; what is normed is written for the sweep after this.
__global__ void __launch_bounds__(blockThreads) rowsExtentKernel(KurtoscopeCudaRows work) {
    const std::int64_t index = blockIdx.x, sequence = index / work.rows;
    const NormedRow row = normedRow(work, work.x + index * work.channels);
    writeNormed(work, row, index);
    if (work.lengths && index % work.rows % work.positions >= work.lengths[sequence]) return;
    const Places places(work);
    for (std::int64_t range = 0; range < work.ranges; ++range) {
        float low, high;
        placesExtent(places, row, range, low, high);
        if (threadIdx.x == 0) widen(work.extents + 2 * (sequence * work.ranges + range), low, high);
    }
}

__device__ inline DeviceGrid rowsGrid(const KurtoscopeCudaRows& work, float low, float high) {
    if (!work.e4m3) return gridOver(low, high, work.bits, work.symmetric, work.fullRange);
    DeviceGrid grid{fmaxf(-low, high) / largestE4m3, 0, 0, 0};
    if (!(grid.scale > 0)) grid.scale = 1;
    return grid;
}

__global__ void __launch_bounds__(blockThreads) rowsKernel(KurtoscopeCudaRows work) {
    const std::int64_t index = blockIdx.x;
    const NormedRow row = normedRow(work, work.x + index * work.channels);
    writeNormed(work, row, index);
    const Places places(work);
    std::int8_t* to = work.q + index * work.stride;
    for (std::int64_t range = 0; range < work.ranges; ++range) {
        DeviceGrid grid;
        if (work.fixedScales) {
            grid = gridEnds(work.bits, work.symmetric, work.fullRange);
            grid.scale = work.fixedScales[range];
            grid.zero = work.e4m3 ? 0 : work.fixedZeros[range];
        } else if (work.perToken) {
            float low, high;
            placesExtent(places, row, range, low, high);
            grid = rowsGrid(work, low, high);
        } else {
            const float* ends = work.extents + 2 * (index / work.rows * work.ranges + range);
            grid = rowsGrid(work, -ends[0], ends[1]);
        }
        int odd = 0;
        for (std::int64_t place = places.first(range) + 4 * threadIdx.x; place < places.last(range);
             place += 4 * blockThreads) {
            float x[4];
            std::int64_t channels[4];
            places.values(row, place, x, channels);
            std::int8_t q[4];
            for (int i = 0; i < 4; ++i) {
                const bool kept = channels[i] >= 0 && places.isKept(channels[i]);
                if (channels[i] < 0) {
                    q[i] = 0;
                } else if (work.e4m3) {
                    q[i] = kept ? std::int8_t(0) : std::int8_t(e4m3Bits(x[i] / grid.scale));
                } else {
                    odd |= x[i] != x[i];
                    q[i] = std::int8_t(kept ? grid.zero : x[i] != x[i] ? 0.0f : levelOf(x[i], grid));
                }
            }
            *reinterpret_cast<char4*>(to + place) = make_char4(q[0], q[1], q[2], q[3]);
        }
        odd = __syncthreads_or(odd);
        if (threadIdx.x == 0) {
            work.scales[index * work.ranges + range] = odd ? __uint_as_float(0x7fc00000) : grid.scale;
            work.zeros[index * work.ranges + range] = std::int32_t(grid.zero);
        }
    }
}

inline const char* runRows(const KurtoscopeCudaRows& asked) {
    KurtoscopeCudaRows work = asked;
    const std::int64_t blocks = work.sequences * work.rows;
    if (blocks == 0) return nullptr;
    if (!work.fixedScales && !work.perToken) {
        fillWithZeros(work.extents, 2 * work.sequences * work.ranges * std::int64_t(sizeof(float)),
                      work.stream);
        KURTOSCOPE_LAUNCH(rowsExtentKernel, blocks, 1, blockThreads, work.stream, work);
        if (work.normWeight) {
            work.x = work.normed;
            work.normWeight = work.normBias = nullptr, work.normed = nullptr;
        }
    }
    KURTOSCOPE_LAUNCH(rowsKernel, blocks, 1, blockThreads, work.stream, work);
    return launchFailure();
}

} // namespace
