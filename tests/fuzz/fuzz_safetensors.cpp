// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a safetensors file or an Error; what opens can be read to the last value.
#include "core/model/mapped_file.h"
#include "core/model/tensor_file.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    std::shared_ptr<const TensorFile> file;
    try {
        file = TensorFile::readSafetensors(MappedFile::fromBytes({bytes, bytes + size}, "fuzz.safetensors"));
    } catch (const Error&) {
        return 0;
    }
    for (const auto& tensor : file->tensors()) {
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        dequantize(tensor, values); // must not throw: the reader has checked it
        if (file->find(tensor.name) != &tensor) std::abort();
    }
    return 0;
}
