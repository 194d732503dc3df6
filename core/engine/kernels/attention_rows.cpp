// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/kernels/attention_rows.h"

#include "core/base/aligned_bytes.h"
#include "core/base/grain.h"
#include "core/base/parallel.h"
#include "core/engine/kernels/bf16_tile.h"
#include "core/engine/kernels/float_tile.h"
#include "core/engine/kernels/row_functions.h"
#include "core/engine/kernels/tile_loop.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

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

template <class Tile>
constexpr bool isNarrow = std::is_same_v<typename Tile::Word, std::uint32_t>; // two bfloat16 in a word

template <class Tile>
std::int64_t wordsOf(std::int64_t count) {
    return isNarrow<Tile> ? (count + 1) / 2 : count;
}

// Rows of words, `stride` of them apart.
template <class Word>
struct Rows {
    const Word* at;
    std::int64_t stride;
};

// As bfloat16 has it, halves to even.
float castValue(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if (std::isnan(x)) return x;
    return std::bit_cast<float>((bits + 0x7fffU + (bits >> 16 & 1U)) & 0xffff0000U);
}

// One key head of one sequence, laid out for the products: keys as panels of a tile's width of positions
// [word of channels, width], values as panels of so many channels [word of positions, width]; what is beyond
// either end is zero. And room for what of a block is multiplied with them.
template <class Word>
struct PackedHead {
    Word *keys, *values, *queries, *weights;
};

void pack(const AttentionWork& work, std::int64_t firstRow, std::int64_t head, std::int64_t valid,
          const PackedHead<std::uint32_t>& to) {
    constexpr std::int64_t width = Bf16Tile::columns;
    const std::int64_t size = work.size, words = wordsOf<Bf16Tile>(size),
                       depth = wordsOf<Bf16Tile>(work.length);
    for (std::int64_t position = 0; position < valid; position += width) {
        const std::int64_t there = std::min(width, valid - position);
        auto* rows = reinterpret_cast<std::uint16_t*>(to.weights); // free until a block comes up
        for (std::int64_t row = 0; row < there; ++row, rows += words * 2) {
            castRow(work.k + (firstRow + position + row) * work.kStride + head * size, size, rows);
            if (size % 2 != 0) rows[size] = 0;
        }
        packColumns<width>(reinterpret_cast<const float*>(to.weights), words, there, words,
                           reinterpret_cast<float*>(to.keys + position * words));
    }
    for (std::int64_t first = 0; first < size; first += width) {
        const std::int64_t there = std::min(width, size - first);
        std::uint32_t* panel = to.values + first * depth;
        for (std::int64_t position = 0; position < valid; position += 2, panel += width) {
            const float* value = work.v + (firstRow + position) * work.vStride + head * size + first;
            castPairs(value, position + 1 < valid ? value + work.vStride : nullptr, there, panel);
            std::fill(panel + there, panel + width, 0U);
        }
    }
}

template <class Tile>
void pack(const AttentionWork& work, std::int64_t firstRow, std::int64_t head, std::int64_t valid,
          const PackedHead<float>& to) {
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

// The block's queries as the tile takes them.
template <class Tile, class Word = typename Tile::Word>
Rows<Word> queriesOf(const AttentionWork& work, const Block& block, const PackedHead<Word>& packed) {
    const float* q = work.q + firstRowOf(work, block.sequence) * work.qStride + block.head * work.size;
    if constexpr (isNarrow<Tile>) {
        const std::int64_t words = wordsOf<Tile>(work.size);
        for (std::int64_t row = block.begin; row < block.end; ++row) {
            auto* to = reinterpret_cast<std::uint16_t*>(packed.queries + (row - block.begin) * words);
            castRow(q + row * work.qStride, work.size, to);
            if (work.size % 2 != 0) to[work.size] = 0;
        }
        return {packed.queries, words};
    } else {
        return {q + block.begin * work.qStride, work.qStride};
    }
}

// e^(scores − the largest), by rows of `across`; `sums` of each row.
template <class Tile, class Word = typename Tile::Word>
void scoreBlock(const AttentionWork& work, const Block& block, const PackedHead<Word>& packed, float* scores,
                float* sums) {
    const std::int64_t across = whole<Tile>(block.valid), words = wordsOf<Tile>(work.size);
    const Rows<Word> q = queriesOf<Tile>(work, block, packed);
    const auto keysOf = [&](std::int64_t row) { return block.keysOf(work, row); };
    for (std::int64_t key = 0; key < keysOf(block.end - 1); key += Tile::columns)
        block.byTiles<Tile>([&](std::int64_t row, std::int64_t count) {
            if (key < keysOf(row + count - 1))
                multiplyTile<Tile>(count, q.at + (row - block.begin) * q.stride, q.stride,
                                   packed.keys + key * words, words,
                                   scores + (row - block.begin) * across + key, across, false);
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

// What of softmax's result meets the values: `weights` by rows of `stride`, each with its factor, null for
// none. As bfloat16 where the tile takes that, else as floats that bfloat16 has, written over them.
template <class Tile, class Word = typename Tile::Word>
Rows<Word> castWeights(const AttentionWork& work, const Block& block, const PackedHead<Word>& packed,
                       const Rows<float>& weights, const float* sums, float* room) {
    const auto keysOf = [&](std::int64_t row) {
        return work.given ? block.valid : block.keysOf(work, row);
    };
    const std::int64_t words = wordsOf<Tile>(whole<Tile>(block.valid));
    for (std::int64_t row = block.begin; row < block.end; ++row) {
        const std::int64_t index = row - block.begin, keys = keysOf(row),
                           seen = keysOf(std::min(block.end - 1, row + Tile::rows)); // by its tile
        const float* from = weights.at + index * weights.stride;
        const float factor = sums ? 1 / sums[index] : 1.0F;
        if constexpr (isNarrow<Tile>) {
            auto* to = reinterpret_cast<std::uint16_t*>(packed.weights + index * words);
            castRow(from, keys, to, factor);
            std::fill(to + keys, to + wordsOf<Tile>(seen) * 2, std::uint16_t{0});
        } else {
            float* to = room + index * words;
            for (std::int64_t key = 0; key < keys; ++key)
                to[key] = castValue(from[key] * factor);
            std::fill(to + keys, to + seen, 0.0F);
        }
    }
    if constexpr (isNarrow<Tile>)
        return {packed.weights, words};
    else
        return {room, words};
}

// out = weights · values; `sums` null where the weights are probabilities already.
template <class Tile, class Word = typename Tile::Word>
void mixBlock(const AttentionWork& work, const Block& block, const PackedHead<Word>& packed,
              const Rows<Word>& weights, const float* sums) {
    constexpr std::int64_t width = Tile::columns;
    const std::int64_t depth = wordsOf<Tile>(work.length);
    alignas(64) float context[Tile::rows * width];
    for (std::int64_t first = 0; first < work.size; first += width) {
        const std::int64_t there = std::min(width, work.size - first);
        block.byTiles<Tile>([&](std::int64_t row, std::int64_t count) {
            const std::int64_t keys = work.given ? block.valid : block.keysOf(work, row + count - 1);
            multiplyTile<Tile>(count, weights.at + (row - block.begin) * weights.stride, weights.stride,
                               packed.values + first * depth, wordsOf<Tile>(keys), context, width, false);
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

template <class Tile, class Word = typename Tile::Word>
void attendBlock(const AttentionWork& work, const Block& block, const PackedHead<Word>& packed, float* scores,
                 float* shown) {
    const Rows<float> made{scores, whole<Tile>(block.valid)};
    const auto finished = [&] {
        const std::int64_t row = firstRowOf(work, block.sequence), column = block.head * work.size;
        if (work.after) (*work.after)(row + block.begin, row + block.end, column, column + work.size);
    };
    float sums[blockTiles * Tile::rows];
    const auto mix = [&](const Rows<float>& weights, const float* sumsOf) {
        if constexpr (!isNarrow<Tile>)
            if (work.numbers == AttentionWork::Numbers::float32)
                return mixBlock<Tile>(work, block, packed, weights, sumsOf);
        mixBlock<Tile>(work, block, packed, castWeights<Tile>(work, block, packed, weights, sumsOf, scores), nullptr);
    };
    if (work.given) {
        const float* mine =
            work.given +
            ((block.sequence * work.heads + block.head) * work.length + block.begin) * work.length;
        mix({mine, work.length}, nullptr);
        return finished();
    }
    scoreBlock<Tile>(work, block, packed, scores, sums);
    if (work.probabilities) return keepProbabilities<Tile>(work, block, scores, sums);
    if (work.show) showProbabilities<Tile>(work, block, scores, sums, shown);
    mix(made, sums);
    finished();
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
    // Who looks gets all of a query head from one thread, who looks at the context that of every sequence.
    using Word = typename Tile::Word;
    const bool looked = work.show || work.after;
    const std::int64_t unitHeads = looked ? work.heads : work.keyValueHeads, group = work.heads / unitHeads;
    const std::int64_t across = whole<Tile>(work.length), words = wordsOf<Tile>(work.size);
    const std::int64_t blockRows =
        Tile::rows * std::clamp<std::int64_t>(
                         scoreBytes / (across * std::int64_t(sizeof(float))) / Tile::rows, 1, blockTiles);
    const auto validOf = [&](std::int64_t sequence) {
        return std::int64_t((*work.lengths)[std::size_t(sequence)]);
    };
    // In words of 32 bits, each piece on a boundary of 64 bytes.
    const auto lines = [](std::int64_t count) { return (count + 15) / 16 * 16; };
    const std::int64_t keysSize = across * words,
                       valuesSize = lines(wordsOf<Tile>(work.length) * whole<Tile>(work.size)),
                       queriesSize = isNarrow<Tile> ? lines(blockRows * words) : 0,
                       weightsSize = isNarrow<Tile>
                                         ? lines(std::max(blockRows * wordsOf<Tile>(across),
                                                          Tile::columns * words))
                                         : 0,
                       scoresSize = (work.show ? 2 : 1) * blockRows * across;
    // A key head at a time, so that what is packed stays near the query heads that read it; their blocks of
    // rows are shared out where there are few key heads.
    const std::int64_t together = work.after ? work.sequences : 1, units = work.sequences * unitHeads;
    const std::int64_t blocks = (work.length + blockRows - 1) / blockRows;
    const std::int64_t shares = units >= 16 || looked ? 1 : std::min<std::int64_t>(group * blocks, 8);
    const bool shared =
        isWorthThreads(2 * work.sequences * work.heads * work.length * work.length * work.size);
    const std::int64_t pieces = units * shares / together;
    parallelFor(pieces, shared ? 1 : pieces, [&](std::int64_t from, std::int64_t to) {
        thread_local AlignedBytes memory;
        memory.reserve(std::size_t(keysSize + valuesSize + queriesSize + weightsSize + scoresSize) *
                       sizeof(float));
        Word *keys = memory.as<Word>(), *values = keys + keysSize, *queries = values + valuesSize,
             *weights = queries + queriesSize;
        const PackedHead<Word> packed{keys, values, queries, weights};
        float *scores = reinterpret_cast<float*>(weights + weightsSize), *shown = scores + blockRows * across;
        for (std::int64_t index = from * together, ready = -1; index < to * together; ++index) {
            const std::int64_t unit = index / shares, share = index % shares;
            const std::int64_t sequence = work.after ? unit % together : unit / unitHeads,
                               unitHead = work.after ? unit / together : unit % unitHeads;
            const std::int64_t valid = validOf(sequence);
            if (unit != ready && valid > 0) {
                const std::int64_t first = firstRowOf(work, sequence),
                                   keyHead = unitHead * work.keyValueHeads / unitHeads;
                if constexpr (isNarrow<Tile>)
                    pack(work, first, keyHead, valid, packed);
                else
                    pack<Tile>(work, first, keyHead, valid, packed);
            }
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
    if (work.numbers == AttentionWork::Numbers::narrow)
        attend<Bf16Tile>(work);
    else
        fastest(work);
}

#else

void attendRows(const AttentionWork&) {}

#endif

} // namespace kurtoscope
