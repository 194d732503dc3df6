// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/model_copy.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace kurtoscope::test {

// Puts `values` over a float32 tensor's of a copied model, from its entry `first` on.
inline void overwrite(const ModelCopy& copy, const std::string& tensor, std::size_t first,
                      const std::vector<float>& values) {
    QByteArray file = copy.read("model.safetensors");
    std::uint64_t length = 0;
    std::memcpy(&length, file.constData(), sizeof length);
    const auto header = nlohmann::json::parse(file.mid(8, qsizetype(length)).toStdString());
    const std::size_t begin = header[tensor]["data_offsets"][0];
    std::memcpy(file.data() + 8 + length + begin + first * sizeof(float), values.data(),
                values.size() * sizeof(float));
    copy.write("model.safetensors", file);
}

} // namespace kurtoscope::test
