// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a GGUF file or an Error; what opens can be read to the last value.
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_gguf.cpp
//       core/base/error.cpp
//       core/model/{mapped_file,gguf,gguf_metadata,gguf_tokenizer,tensor_file,block_formats,dequantize}.cpp
#include "core/model/gguf.h"
#include "core/model/mapped_file.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    std::shared_ptr<const GgufFile> file;
    try {
        file = GgufFile::read(MappedFile::fromBytes({bytes, bytes + size}, "fuzz.gguf"));
    } catch (const Error&) {
        return 0;
    }
    for (const auto& tensor : file->tensors()) {
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        dequantize(tensor, values); // must not throw: the reader has checked it
        if (tensor.shape.size() == 2 && tensor.shape[0] > 0)
            dequantizeRows(tensor, tensor.shape[0] - 1, 1,
                           std::span(values).first(static_cast<std::size_t>(tensor.shape[1])));
        if (file->find(tensor.name) != &tensor) std::abort();
    }
    try {
        const auto spec = file->tokenizerSpec();
        if (spec.tokens.empty() || spec.special.size() != spec.tokens.size()) std::abort();
    } catch (const Error&) { // no tokenizer, or none of ours
    }
    return 0;
}
