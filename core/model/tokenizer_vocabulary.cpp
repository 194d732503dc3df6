// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_vocabulary.h"

#include "core/base/error.h"

namespace kurtoscope {

void Vocabulary::add(const std::string& token, std::int64_t id, const std::string& where) {
    constexpr std::int64_t most = 1 << 24; // no published vocabulary has a tenth of it
    if (id < 0 || id >= most)
        throw Error("token \"" + token + "\" has id " + std::to_string(id) + ", expected 0 to " +
                        std::to_string(most - 1),
                    where, "The file is damaged; fetch it again");
    const auto index = static_cast<std::size_t>(id);
    if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
    const auto [entry, fresh] = ids_.try_emplace(token, static_cast<int>(id));
    if (tokens_[index] != nullptr || !fresh)
        throw Error("token \"" + token + "\" has id " + std::to_string(id) + ", but " +
                        (fresh ? "\"" + *tokens_[index] + "\" has it too" : "was listed before"),
                    where, "The file is damaged; fetch it again");
    tokens_[index] = &entry->first;
}

int Vocabulary::idOf(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? -1 : found->second;
}

const std::string* Vocabulary::tokenOf(int id) const {
    return id < 0 || id >= size() ? nullptr : tokens_[static_cast<std::size_t>(id)];
}

} // namespace kurtoscope
