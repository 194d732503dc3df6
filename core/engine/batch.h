// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace kurtoscope {

// Token ids of several sequences, padded on the right to one length. Plain values; no torch.
struct Batch {
    int sequences = 0, length = 0;
    std::vector<int> ids;     // [sequence × length]; padding holds the pad id
    std::vector<int> typeIds; // the same shape; empty when all are 0
    std::vector<int> lengths; // [sequence]: valid tokens
    std::vector<int> windows; // [sequence]: index of the window each belongs to

    int at(int sequence, int position) const {
        return ids[static_cast<std::size_t>(sequence) * static_cast<std::size_t>(length) +
                   static_cast<std::size_t>(position)];
    }
};

} // namespace kurtoscope
