// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tokenizer_pipeline.h"

namespace kurtoscope {

// The stages that a spec asks for. Throws Error naming `where` and the field: unknown model or pattern,
// tokens twice, merges or special ids outside the vocabulary.
TokenizerStages stagesFromSpec(const TokenizerSpec& spec, const std::string& where);

// The tokenizer of a folder without tokenizer.json: vocab.txt, or vocab.json with merges.txt, and the
// settings in tokenizer_config.json. Throws Error when neither is there or one is damaged.
TokenizerSpec specFromFolder(const std::filesystem::path& folder);

} // namespace kurtoscope
