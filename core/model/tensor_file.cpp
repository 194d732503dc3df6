// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tensor_file.h"

#include "core/model/block_formats.h"

#include <algorithm>

namespace kurtoscope {

std::string inQuotes(const std::string& name) {
    constexpr std::size_t longest = 120;
    std::string text = "\"";
    for (const char c : name.substr(0, longest))
        text += static_cast<unsigned char>(c) < 32 ? '?' : c;
    return text + (name.size() > longest ? "…\"" : "\"");
}

std::int64_t StoredTensor::elements() const {
    return elementCount(shape).value_or(0);
}

const StoredTensor* TensorFile::find(const std::string& name) const {
    const auto& all = tensors();
    const auto found = std::ranges::lower_bound(all, name, {}, &StoredTensor::name);
    return found != all.end() && found->name == name ? &*found : nullptr;
}

} // namespace kurtoscope
