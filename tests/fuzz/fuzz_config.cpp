// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a config.json or an Error, and so is every look-up that an architecture makes in it.
// The same bytes stand as the pooling's and the tokenizer's config.
#include "core/base/error.h"
#include "core/model/model_folder.h"
#include "tests/fuzz/input_folder.h"

#include <cstdlib>
#include <limits>

#include <nlohmann/json.hpp>

namespace {

template <class Act>
void orError(const Act& act) {
    try {
        act();
    } catch (const kurtoscope::Error&) {
    }
}

void lookUp(const kurtoscope::ConfigJson& config) {
    for (const char* key : {"num_hidden_layers", "hidden_size", "num_key_value_heads", "vocab_size"}) {
        orError([&] {
            const auto value = config.positive(key);
            if (value < 1 || value > std::numeric_limits<int>::max()) std::abort();
        });
        orError([&] { config.number(key, 1); });
        orError([&] { config.flag(key, false); });
        orError([&] { config.text(key, ""); });
    }
    orError([&] { config.number("rms_norm_eps", 1e-6); });
    orError([&] { config.flag("tie_word_embeddings", false); });
    orError([&] { config.text("model_type", ""); });
    if (config.has("rope_scaling") && config.json().at("rope_scaling").is_object())
        orError([&] {
            const kurtoscope::ConfigJson scaling(config.json().at("rope_scaling"), config.where());
            scaling.text("rope_type", "default");
            scaling.number("factor", 1);
        });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    static const test::InputFolder folder("config");
    static const bool once = [] {
        folder.write("model.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
        folder.write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[PAD]\nthe\n##s\n");
        return true;
    }();
    static_cast<void>(once);
    const auto text = test::asText(data, size);
    folder.write("config.json", text);
    folder.write("tokenizer_config.json", text);
    std::filesystem::remove_all(folder.path() / "1_Pooling");
    orError([&] {
        const auto model = ModelFolder::open(folder.path().string());
        lookUp(model.config);
        if (model.tokenizer) model.tokenizer->encode("the cats\xC3", true);
    });
    folder.write("1_Pooling/config.json", text);
    orError([&] { ModelFolder::open(folder.path().string()); });
    return 0;
}
