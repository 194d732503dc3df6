// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a tokenizer.json or an Error; what opens encodes any bytes to ids below its size and
// back. The input is the file up to the first zero byte, and the text behind it. Seeds:
// tests/golden/tokenizers/*.json.
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_tokenizer.cpp
//       core/base/{error,atomic_file}.cpp core/model/{tokenizer*,pretokenizer*,wordpiece,byte_level_bpe}.cpp
//       -licuuc -licui18n
#include "core/base/error.h"
#include "core/model/tokenizer.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace {

std::filesystem::path folder() {
    static const auto path = [] {
        const auto own = std::filesystem::temp_directory_path() /
                         ("kurtoscope_fuzz_tokenizer_" + std::to_string(::getpid()));
        std::filesystem::create_directories(own);
        return own;
    }();
    return path;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    const auto* split = std::find(data, data + size, std::uint8_t{0});
    const std::string file(data, split), text(split, data + size);
    std::ofstream(folder() / "tokenizer.json", std::ios::binary) << file;
    try {
        const auto tokenizer = Tokenizer::fromFolder(folder());
        const auto one = tokenizer->encode(text, true, 0);
        const auto two = tokenizer->encodePair(text, "a b", 64);
        if (one.ids.size() != one.typeIds.size() || two.ids.size() > 64) std::abort();
        for (const int id : one.ids) {
            if (id < 0 || id >= tokenizer->vocabularySize()) std::abort();
            tokenizer->tokenText(id);
        }
        tokenizer->decode(one.ids, true);
    } catch (const Error&) { // not a tokenizer, or none of ours
    }
    return 0;
}
