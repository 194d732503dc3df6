// SPDX-License-Identifier: GPL-3.0-or-later
// A quantization_config, a NUL, an outlier_channels.json, a NUL and the bytes of a safetensors file are a
// quantized checkpoint or an Error; what opens can be read to the last value, in pieces as in one.
#include "core/base/error.h"
#include "core/model/model_folder.h"
#include "tests/fuzz/input_folder.h"

#include <cstdlib>
#include <cstring>

namespace {

// Of module "m": columns 0 and 1 of two outputs.
std::string sideTensors() {
    const std::string header =
        R"({"m.outlier_weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}})" + std::string(7, ' ');
    const std::uint64_t length = header.size();
    return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(16, '\0');
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    static const test::InputFolder folder("checkpoint");
    const std::string_view text = test::asText(data, size);
    const std::size_t first = text.find('\0'),
                      second = first == text.npos ? first : text.find('\0', first + 1);
    if (second == text.npos) return 0;
    folder.write("config.json", "{\"quantization_config\":" + std::string(text.substr(0, first)) + "}");
    const std::string_view sideCar = text.substr(first + 1, second - first - 1);
    std::filesystem::remove(folder.path() / "outlier_channels.json");
    if (!sideCar.empty()) folder.write("outlier_channels.json", sideCar);
    folder.write("outlier_channels.safetensors", sideTensors());
    folder.write("model.safetensors", text.substr(second + 1));
    try {
        const auto model = ModelFolder::open(folder.path().string());
        for (const StoredTensor& tensor : model.file->tensors()) {
            if (tensor.elements() > (1 << 22)) continue;
            std::vector<float> whole(static_cast<std::size_t>(tensor.elements())), row;
            dequantize(tensor, whole);
            if (!tensor.decoder) continue;
            const std::int64_t columns = tensor.shape.at(1), last = tensor.shape.at(0) - 1;
            row.resize(static_cast<std::size_t>(columns));
            dequantizeRows(tensor, last, 1, row);
            if (std::memcmp(row.data(), whole.data() + last * columns, row.size() * sizeof(float)) != 0)
                std::abort();
        }
    } catch (const Error&) {
    }
    return 0;
}
