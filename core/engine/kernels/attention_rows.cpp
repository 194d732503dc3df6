// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/attention_rows.h"

#include "core/base/aligned_bytes.h"
#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/row_functions.h"
#include "core/engine/kernels/tile_loop.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace kurtoscope {

#if defined(__x86_64__)

namespace {

constexpr std::int64_t scoreBytes = 96 * 1024; // of one block of query rows
constexpr std::int64_t blockTiles = 8;

template <class Tile>
std::int64_t whole(std::int64_t count) {
    return (count + Tile::columns - 1) / Tile::columns * Tile::columns;
}

std::int64_t firstRowOf(const AttentionWork& work, std::int64_t sequence) {
    return work.firstRows ? (*work.firstRows)[std::size_t(sequence)] : sequence * work.length;
}

// One key head of one sequence, laid out for the products: keys as panels of a tile's width of positions
// [channel, width], values as panels of so many channels [position, width]; what is beyond either end is
// zero.
struct PackedHead {
    float *keys, *values;
};

template <class Tile>
void pack(const AttentionWork& work, std::int64_t firstRow, std::int64_t head, std::int64_t valid,
          const PackedHead& to) {
    constexpr std::int64_t width = Tile::columns;
    const std::int64_t size = work.size;
    for (std::int64_t position = 0; position < valid; position += width)
        packColumns<width>(work.k + (firstRow + position) * work.kStride + head * size, work.kStride,
                           std::min(width, valid - position), size, to.keys + position * size);
    for (std::int64_t first = 0; first < size; first += width) {
        const std::int64_t there = std::min(width, size - first);
        float* panel = to.values + first * work.length;
        for (std::int64_t position = 0; position < valid; ++position) {
            const float* value = work.v + (firstRow + position) * work.vStride + head * size + first;
            std::memcpy(panel + position * width, value, std::size_t(there) * sizeof(float));
            if (there < width)
                std::memset(panel + position * width + there, 0, std::size_t(width - there) * sizeof(float));
        }
    }
}

struct Block {
    std::int64_t sequence, head, valid, begin, end; // query rows `begin` … `end`

    std::int64_t keysOf(const AttentionWork& work, std::int64_t row) const {
        return work.causal ? row + 1 : valid;
    }

    // Its rows in tiles of nearly the same height.
    template <class Tile, class Do>
    void byTiles(Do&& make) const {
        const std::int64_t rows = end - begin, tiles = (rows + Tile::rows - 1) / Tile::rows;
        for (std::int64_t tile = 0; tile < tiles; ++tile) {
            const std::int64_t row = begin + tile * rows / tiles;
            make(row, begin + (tile + 1) * rows / tiles - row);
        }
    }
};

// e^(scores − the largest), by rows of `across`; `sums` of each row.
template <class Tile>
void scoreBlock(const AttentionWork& work, const Block& block, const PackedHead& packed, float* scores,
                float* sums) {
    const std::int64_t across = whole<Tile>(block.valid);
    const float* q = work.q + firstRowOf(work, block.sequence) * work.qStride + block.head * work.size;
    const auto keysOf = [&](std::int64_t row) { return block.keysOf(work, row); };
    for (std::int64_t key = 0; key < keysOf(block.end - 1); key += Tile::columns)
        block.byTiles<Tile>([&](std::int64_t row, std::int64_t count) {
            if (key < keysOf(row + count - 1))
                multiplyTile<Tile>(count, q + row * work.qStride, work.qStride, packed.keys + key * work.size,
                                   work.size, scores + (row - block.begin) * across + key, across, false);
        });
    const auto scale = static_cast<float>(1 / std::sqrt(double(work.size)));
    for (std::int64_t row = block.begin; row < block.end; ++row) {
        float* mine = scores + (row - block.begin) * across;
        sums[row - block.begin] = exponentialsRow(mine, keysOf(row), scale);
        // what the other rows of its tile see
        std::fill(mine + keysOf(row), mine + keysOf(std::min(block.end - 1, row + Tile::rows)), 0.0F);
    }
}

template <class Tile>
void keepProbabilities(const AttentionWork& work, const Block& block, const float* scores,
                       const float* sums) {
    float* out =
        work.probabilities + ((block.sequence * work.heads + block.head) * work.length) * work.length;
    for (std::int64_t row = block.begin; row < block.end; ++row) {
        const std::int64_t keys = block.keysOf(work, row), index = row - block.begin;
        scaleRow(scores + index * whole<Tile>(block.valid), 1 / sums[index], out + row * work.length, keys);
        std::fill(out + row * work.length + keys, out + (row + 1) * work.length, 0.0F);
    }
}

// out = weights · values; `sums` null where the weights are probabilities already.
template <class Tile>
void mixBlock(const AttentionWork& work, const Block& block, const PackedHead& packed, const float* weights,
              std::int64_t stride, const float* sums) {
    constexpr std::int64_t width = Tile::columns;
    alignas(64) float context[Tile::rows * width];
    for (std::int64_t first = 0; first < work.size; first += width) {
        const std::int64_t there = std::min(width, work.size - first);
        block.byTiles<Tile>([&](std::int64_t row, std::int64_t count) {
            const std::int64_t keys = sums ? block.keysOf(work, row + count - 1) : block.valid;
            multiplyTile<Tile>(count, weights + (row - block.begin) * stride, stride,
                               packed.values + first * work.length, keys, context, width, false);
            for (std::int64_t r = 0; r < count; ++r) {
                const std::int64_t at = firstRowOf(work, block.sequence) + row + r;
                scaleRow(context + r * width, sums ? 1 / sums[row + r - block.begin] : 1.0F,
                         work.out + at * work.outStride + block.head * work.size + first, there);
            }
        });
    }
}

template <class Tile>
void showProbabilities(const AttentionWork& work, const Block& block, const float* scores, const float* sums,
                       float* shown) {
    const std::int64_t across = whole<Tile>(block.valid), rows = block.end - block.begin;
    for (std::int64_t index = 0; index < rows; ++index) {
        const std::int64_t keys = block.keysOf(work, block.begin + index);
        scaleRow(scores + index * across, 1 / sums[index], shown + index * across, keys);
        std::fill(shown + index * across + keys, shown + index * across + block.valid, 0.0F);
    }
    (*work.show)({shown, across, block.sequence, block.head, block.begin, rows, block.valid});
}

template <class Tile>
void attendBlock(const AttentionWork& work, const Block& block, const PackedHead& packed, float* scores,
                 float* shown) {
    if (work.given) {
        const float* mine =
            work.given +
            ((block.sequence * work.heads + block.head) * work.length + block.begin) * work.length;
        return mixBlock<Tile>(work, block, packed, mine, work.length, nullptr);
    }
    float sums[blockTiles * Tile::rows];
    scoreBlock<Tile>(work, block, packed, scores, sums);
    if (work.probabilities) return keepProbabilities<Tile>(work, block, scores, sums);
    if (work.show) showProbabilities<Tile>(work, block, scores, sums, shown);
    mixBlock<Tile>(work, block, packed, scores, whole<Tile>(block.valid), sums);
}

// What rows of padding come out as.
void clear(const AttentionWork& work, std::int64_t sequence, std::int64_t head, std::int64_t row) {
    if (work.firstRows) return; // there are none
    if (work.probabilities)
        std::fill_n(work.probabilities + ((sequence * work.heads + head) * work.length + row) * work.length,
                    work.length, 0.0F);
    else
        std::fill_n(work.out + (sequence * work.length + row) * work.outStride + head * work.size, work.size,
                    0.0F);
}

template <class Tile>
void attend(const AttentionWork& work) {
    // Who looks gets all of a query head from one thread.
    const std::int64_t unitHeads = work.show ? work.heads : work.keyValueHeads,
                       group = work.heads / unitHeads;
    const std::int64_t across = whole<Tile>(work.length), keysSize = across * work.size,
                       headSize = keysSize + work.length * whole<Tile>(work.size);
    const std::int64_t blockRows =
        Tile::rows * std::clamp<std::int64_t>(
                         scoreBytes / (across * std::int64_t(sizeof(float))) / Tile::rows, 1, blockTiles);
    const auto validOf = [&](std::int64_t sequence) {
        return std::int64_t((*work.lengths)[std::size_t(sequence)]);
    };
    // A key head at a time, so that what is packed stays near the query heads that read it; their blocks of
    // rows are shared out where there are few key heads.
    const std::int64_t units = work.sequences * unitHeads;
    const std::int64_t blocks = (work.length + blockRows - 1) / blockRows;
    const std::int64_t shares = units >= 16 || work.show ? 1 : std::min<std::int64_t>(group * blocks, 8);
    const bool shared =
        isWorthThreads(2 * work.sequences * work.heads * work.length * work.length * work.size);
    parallelFor(units * shares, shared ? 1 : units * shares, [&](std::int64_t from, std::int64_t to) {
        thread_local AlignedBytes memory;
        memory.reserve(std::size_t(headSize + (work.show ? 2 : 1) * blockRows * across) * sizeof(float));
        const PackedHead packed{memory.as<float>(), memory.as<float>() + keysSize};
        float *scores = memory.as<float>() + headSize, *shown = scores + blockRows * across;
        for (std::int64_t index = from, ready = -1; index < to; ++index) {
            const std::int64_t unit = index / shares, share = index % shares;
            const std::int64_t sequence = unit / unitHeads, unitHead = unit % unitHeads;
            const std::int64_t valid = validOf(sequence);
            if (unit != ready && valid > 0)
                pack<Tile>(work, firstRowOf(work, sequence), unitHead * work.keyValueHeads / unitHeads, valid,
                           packed);
            ready = unit;
            // Blocks of rows cost more the later they are when causal: every share takes each of them in
            // turn.
            for (std::int64_t piece = share; piece < group * blocks; piece += shares) {
                const std::int64_t head = unitHead * group + piece % group, block = piece / group;
                const std::int64_t begin = block * blockRows, end = std::min(work.length, begin + blockRows);
                if (begin < valid)
                    attendBlock<Tile>(work, {sequence, head, valid, begin, std::min(end, valid)}, packed,
                                      scores, shown);
                for (std::int64_t row = std::max(begin, valid); row < end; ++row)
                    clear(work, sequence, head, row);
            }
        }
    });
}

} // namespace

void attendRows(const AttentionWork& work) {
    static const auto fastest = hasAvx512() ? attend<FloatTileAvx512> : attend<FloatTileAvx2>;
    fastest(work);
}

#else

void attendRows(const AttentionWork&) {}

#endif

} // namespace kurtoscope
