// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/byte_level_bpe.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/model/tokenizer_unicode.h"

#include <queue>
#include <tuple>

namespace kurtoscope {
namespace {

// Printable Latin-1 stands for itself, every other byte for U+0100 and up in order.
struct ByteAlphabet {
    std::array<std::string, 256> text;
    std::array<int, 512> byte;
    ByteAlphabet() {
        byte.fill(-1);
        char32_t next = 256;
        for (char32_t b = 0; b < 256; ++b) {
            const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            const char32_t c = printable ? b : next++;
            byte[c] = static_cast<int>(b);
            appendUtf8(text[b], c);
        }
    }
};

const ByteAlphabet& alphabet() {
    static const ByteAlphabet known;
    return known;
}

std::uint64_t pairKey(int left, int right) {
    return static_cast<std::uint64_t>(left) << 32U | static_cast<std::uint32_t>(right);
}

} // namespace

std::string byteLevelText(std::string_view bytes) {
    std::string text;
    for (const char b : bytes)
        text += alphabet().text[static_cast<unsigned char>(b)];
    return text;
}

bool byteLevelToBytes(std::string_view token, std::string& bytes) {
    bytes.clear();
    for (std::size_t at = 0; at < token.size();) {
        const char32_t c = readCodePoint(token, at);
        if (c >= alphabet().byte.size() || alphabet().byte[c] < 0) return false;
        bytes += static_cast<char>(alphabet().byte[c]);
    }
    return true;
}

ByteLevelBpe::ByteLevelBpe(Vocabulary vocabulary, const Merges& merges, const Options& options,
                           const std::string& where)
    : vocabulary_(std::move(vocabulary)), options_(options) {
    if (!options_.unknown.empty() && (unknownId_ = vocabulary_.idOf(options_.unknown)) < 0)
        throw Error("the unknown token \"" + options_.unknown + "\" is not in the vocabulary", where,
                    "The file is damaged; fetch it again");
    for (std::size_t b = 0; b < byteIds_.size(); ++b)
        byteIds_[b] = vocabulary_.idOf(alphabet().text[b]);
    merges_.reserve(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        const auto& [left, right] = merges[rank];
        const int a = vocabulary_.idOf(left), b = vocabulary_.idOf(right),
                  joined = vocabulary_.idOf(left + right);
        if (a < 0 || b < 0 || joined < 0) {
            const std::string& missing = a < 0 ? left : b < 0 ? right : left + right;
            throw Error("merge " + std::to_string(rank) + " (\"" + left + " " + right +
                            "\") needs the token \"" + missing + "\", which is not in the vocabulary of " +
                            std::to_string(vocabulary_.ids().size()) + " tokens",
                        where, "Vocabulary and merges must come from the same model; fetch both again");
        }
        merges_.insert_or_assign(pairKey(a, b), Merge{static_cast<int>(rank), joined});
    }
}

const ByteLevelBpe::Merge* ByteLevelBpe::mergeOf(int left, int right) const {
    const auto found = merges_.find(pairKey(left, right));
    return found == merges_.end() ? nullptr : &found->second;
}

std::vector<int> ByteLevelBpe::symbols(std::string_view piece) const {
    std::vector<int> ids;
    ids.reserve(piece.size());
    bool unknownBefore = false;
    for (const char b : piece) {
        const int id = byteIds_[static_cast<unsigned char>(b)];
        if (id >= 0)
            ids.push_back(id);
        else if (unknownId_ >= 0 && !(options_.fuseUnknown && unknownBefore))
            ids.push_back(unknownId_);
        unknownBefore = id < 0;
    }
    return ids;
}

void ByteLevelBpe::appendIds(std::string_view piece, std::vector<int>& ids,
                             const std::stop_token& stop) const {
    if (options_.ignoreMerges) {
        if (const int whole = vocabulary_.idOf(byteLevelText(piece)); whole >= 0) {
            ids.push_back(whole);
            return;
        }
    }
    std::vector<int> symbol = symbols(piece); // −1 once joined into its left neighbour
    const int count = static_cast<int>(symbol.size());
    std::vector<int> next(symbol.size()), previous(symbol.size());
    for (int i = 0; i < count; ++i) {
        next[i] = i + 1;
        previous[i] = i - 1;
    }
    using Candidate =
        std::tuple<int, int, int>; // rank, left position, result: lowest rank, then leftmost, on top
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    auto consider = [&](int left) {
        if (left < 0 || next[left] >= count) return;
        if (const Merge* merge = mergeOf(symbol[left], symbol[next[left]]))
            queue.emplace(merge->rank, left, merge->result);
    };
    // A piece without a single space may be megabytes long.
    for (int i = 0; i + 1 < count; ++i) {
        throwIfStopped(stop);
        consider(i);
    }
    while (!queue.empty()) {
        throwIfStopped(stop);
        const auto [rank, left, result] = queue.top();
        queue.pop();
        if (symbol[left] < 0 || next[left] >= count) continue;
        const int right = next[left];
        const Merge* merge = mergeOf(symbol[left], symbol[right]);
        if (merge == nullptr || merge->rank != rank) continue; // a neighbour has changed since
        symbol[left] = result;
        symbol[right] = -1;
        next[left] = next[right];
        if (next[left] < count) previous[next[left]] = left;
        consider(previous[left]);
        consider(left);
    }
    for (const int id : symbol)
        if (id >= 0) ids.push_back(id);
}

std::string ByteLevelBpe::readable(const std::string& token) const {
    std::string bytes;
    return byteLevelToBytes(token, bytes) ? repairUtf8(bytes) : token;
}

} // namespace kurtoscope
