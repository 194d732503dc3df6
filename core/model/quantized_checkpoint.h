// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/stored_quantization.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace kurtoscope {

// `file` as its quantization_config says it is to be read, by the reader of its quant_method. `where` names
// the configuration in messages, `folder` is where its files lie. Throws Error, for a method that nobody
// reads too.
KURTOSCOPE_API OpenedCheckpoint openQuantized(const nlohmann::json& config, const std::string& where,
                                              std::shared_ptr<const TensorFile> file,
                                              const std::filesystem::path& folder);

} // namespace kurtoscope
