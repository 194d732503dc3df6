// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tokenizer.h"

#include <QTemporaryDir>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace kurtoscope::test {

inline const std::filesystem::path goldenTokenizers =
    std::filesystem::path(KURTOSCOPE_TESTS_DIR) / "golden" / "tokenizers";

inline nlohmann::json readJson(const std::filesystem::path& file) {
    std::ifstream in(file);
    return nlohmann::json::parse(in);
}

// A folder holding files by name, and the tokenizer read from it.
class TokenizerFolder {
public:
    TokenizerFolder& put(const std::string& name, const std::string& bytes) {
        std::ofstream(path() / name, std::ios::binary) << bytes;
        return *this;
    }
    std::filesystem::path path() const { return folder_.path().toStdString(); }
    std::shared_ptr<const Tokenizer> open() const { return Tokenizer::fromFolder(path()); }

private:
    QTemporaryDir folder_;
};

inline std::shared_ptr<const Tokenizer> fromJson(const nlohmann::json& document) {
    return TokenizerFolder().put("tokenizer.json", document.dump()).open();
}

inline nlohmann::json small(const std::string& name) {
    return readJson(goldenTokenizers / (name + ".json"));
}

// A vocabulary of three letters.
inline TokenizerSpec letters() {
    TokenizerSpec spec;
    spec.model = "bpe";
    spec.pattern = "gpt2";
    spec.tokens = {"<s>", "</s>", "a", "b", "c", "ab", "abc", "\u0120", "\u0120a"};
    spec.merges = {"a b", "ab c", "\u0120 a"};
    spec.special = {true, true};
    return spec;
}

} // namespace kurtoscope::test
