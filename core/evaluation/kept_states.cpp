// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/kept_states.h"

#include <algorithm>

namespace kurtoscope {

KeptStates::Window KeptStates::window(const Batch& batch) {
    std::vector<int> tokens{batch.sequences, batch.length};
    for (const auto* part : {&batch.lengths, &batch.ids, &batch.typeIds})
        tokens.insert(tokens.end(), part->begin(), part->end());
    return windows_.try_emplace(std::move(tokens), Window(windows_.size()) + 1).first->second;
}

KeptStates::Trail KeptStates::after(Trail before, const std::string& what) {
    const std::int64_t deed = deeds_.try_emplace(what, std::int64_t(deeds_.size())).first->second;
    return trails_.try_emplace({before, deed}, Trail(trails_.size()) + 1).first->second;
}

at::Tensor KeptStates::find(Window window, Trail trail) {
    const auto found = entries_.find({window, trail});
    if (found == entries_.end()) return {};
    found->second.run = run_;
    return found->second.tensor;
}

bool KeptStates::keep(Window window, Trail trail, const at::Tensor& tensor, Kind kind) {
    if (entries_.contains({window, trail})) return true;
    const auto bytes = static_cast<std::int64_t>(tensor.storage().nbytes());
    if (kind == Kind::answer && answerBytes_ + bytes > budget_ / 2) return false;
    if (!makeRoom(bytes)) return false;
    entries_[{window, trail}] = {tensor, bytes, run_, kind};
    bytes_ += bytes;
    if (kind == Kind::answer) answerBytes_ += bytes;
    return true;
}

bool KeptStates::makeRoom(std::int64_t bytes) {
    if (bytes > budget_) return false;
    while (bytes_ + bytes > budget_) {
        const auto oldest =
            std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.run; });
        if (oldest == entries_.end() || oldest->second.run >= run_) return false;
        erase(oldest);
    }
    return true;
}

void KeptStates::erase(std::map<Key, Entry>::iterator entry) {
    bytes_ -= entry->second.bytes;
    if (entry->second.kind == Kind::answer) answerBytes_ -= entry->second.bytes;
    entries_.erase(entry);
}

void KeptStates::clear() {
    entries_.clear();
    bytes_ = answerBytes_ = 0;
}

} // namespace kurtoscope
