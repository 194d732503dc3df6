// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a GGUF file or an Error; what opens can be read to the last value, and its tokenizer
// takes any text.
#include "core/model/gguf.h"
#include "core/model/mapped_file.h"

#include <cstdlib>

namespace {

void useTokenizer(const kurtoscope::GgufFile& file) {
    using namespace kurtoscope;
    auto spec = file.tokenizerSpec();
    if (spec.tokens.empty() || spec.special.size() != spec.tokens.size()) std::abort();
    const auto tokenizer = Tokenizer::fromSpec(std::move(spec), "fuzz.gguf");
    for (const int id : tokenizer->encode("The café, 12 mice \xF0\x9F\x90\xAD\xFF", true).ids)
        if (id < 0 || id >= tokenizer->vocabularySize()) std::abort();
}

} // namespace

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
        useTokenizer(*file);
    } catch (const Error&) { // no tokenizer, or none of ours
    }
    return 0;
}
