// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/safetensors_writer.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <bit>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

namespace kurtoscope {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

void writeSafetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors) {
    // transformers loads no file that does not say this.
    nlohmann::ordered_json header{{"__metadata__", {{"format", "pt"}}}};
    std::size_t offset = 0;
    for (const auto& tensor : tensors) {
        const auto elements =
            std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{1}, std::multiplies<>());
        if (elements < 0 || static_cast<std::size_t>(elements) != tensor.values.size())
            throw Error("tensor \"" + tensor.name + "\" has " + std::to_string(tensor.values.size()) +
                            " values, its shape asks for " + std::to_string(elements),
                        file.string(), "This is a fault of the program, please report it");
        const std::size_t end = offset + tensor.values.size_bytes();
        header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');

    const std::uint64_t length = text.size();
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
    bytes.reserve(bytes.size() + text.size() + offset);
    bytes += text;
    for (const auto& tensor : tensors)
        bytes.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size_bytes());
    writeFileAtomically(file, bytes);
}

} // namespace kurtoscope
