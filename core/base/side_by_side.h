// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kurtoscope {

// Tables of the same rows that lie side by side like one, so that their columns can be shared out as one's:
// each begins at a multiple of `whole` columns.
class SideBySide {
public:
    explicit SideBySide(std::int64_t whole) : whole_(whole) {}

    void add(std::int64_t columns) {
        const std::int64_t first = (this->columns() + whole_ - 1) / whole_ * whole_;
        firsts_.push_back(first), lasts_.push_back(first + columns);
    }
    std::int64_t columns() const { return lasts_.empty() ? 0 : lasts_.back(); }

    // body(table, from, to) for each table that has columns within [first, last): which of its own they are.
    template <class Body>
    void within(std::int64_t first, std::int64_t last, const Body& body) const {
        for (std::size_t table = 0; table < firsts_.size(); ++table) {
            const std::int64_t from = std::max(first, firsts_[table]), to = std::min(last, lasts_[table]);
            if (from < to) body(table, from - firsts_[table], to - firsts_[table]);
        }
    }

private:
    std::int64_t whole_;
    std::vector<std::int64_t> firsts_, lasts_; // of each
};

} // namespace kurtoscope
