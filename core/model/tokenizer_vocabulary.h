// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kurtoscope {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

// Tokens both ways. Ids may have gaps; a gap is an empty token without an id of its own.
class Vocabulary {
public:
    // Throws Error naming `where`: an id below 0, absurdly large or taken by another token.
    void add(const std::string& token, std::int64_t id, const std::string& where);
    int idOf(std::string_view token) const;   // −1 when absent
    const std::string* tokenOf(int id) const; // null when absent
    const TextMap<int>& ids() const { return ids_; }
    int size() const { return static_cast<int>(tokens_.size()); } // largest id + 1

private:
    TextMap<int> ids_;
    std::vector<const std::string*> tokens_; // the keys of ids_, whose addresses stay
};

// Turns one piece of text into ids of its vocabulary. Immutable once built; any thread.
class SubwordModel {
public:
    virtual ~SubwordModel() = default;
    virtual void appendIds(std::string_view piece, std::vector<int>& ids,
                           const std::stop_token& stop) const = 0;    // throws Cancelled
    virtual std::string readable(const std::string& token) const = 0; // a token as a person reads it
    virtual const Vocabulary& vocabulary() const = 0;
};

} // namespace kurtoscope
