// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer.h"

#include "core/model/tokenizer_json.h"
#include "core/model/tokenizer_spec.h"

namespace kurtoscope {

std::shared_ptr<const Tokenizer> Tokenizer::fromFolder(const std::filesystem::path& folder) {
    std::error_code code;
    if (std::filesystem::exists(folder / "tokenizer.json", code))
        return makeTokenizer(readTokenizerJson(folder / "tokenizer.json"));
    return fromSpec(specFromFolder(folder), folder.string());
}

std::shared_ptr<const Tokenizer> Tokenizer::fromSpec(TokenizerSpec spec, const std::string& where) {
    return makeTokenizer(stagesFromSpec(spec, where));
}

} // namespace kurtoscope
