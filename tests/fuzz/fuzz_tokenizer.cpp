// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a tokenizer.json or an Error; what opens encodes any bytes to ids below its size and
// back. The input is the file up to the first zero byte, and the text behind it.
#include "core/base/error.h"
#include "core/model/tokenizer.h"
#include "tests/fuzz/input_folder.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    static const test::InputFolder folder("tokenizer");
    const auto* split = std::find(data, data + size, std::uint8_t{0});
    const std::string file(data, split), text(split, data + size);
    folder.write("tokenizer.json", file);
    try {
        const auto tokenizer = Tokenizer::fromFolder(folder.path());
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
