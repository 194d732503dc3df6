// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/quantized_checkpoint.h"

#include "core/base/error.h"

#include <nlohmann/json.hpp>

namespace kurtoscope {

OpenedCheckpoint openQuantized(const nlohmann::json& json, const std::string& where,
                               std::shared_ptr<const TensorFile> file, const std::filesystem::path& folder) {
    if (!json.is_object())
        throw Error(std::string("an object was expected, got ") + json.type_name(), where,
                    "Download the file again");
    const ConfigJson config(json, where);
    const std::string method = config.text("quant_method", "");
    const auto& readers = Registry<CheckpointReader>::instance();
    if (const CheckpointReader* reader = readers.find(method))
        return reader->open(config, std::move(file), folder);
    std::string known;
    for (const auto& member : readers.members())
        known += (known.empty() ? "" : ", ") + std::string(member->id());
    throw Error("quant_method is " +
                    (method.empty() ? "missing" : "\"" + method + "\", which is not supported"),
                where, "Supported: " + known);
}

} // namespace kurtoscope
