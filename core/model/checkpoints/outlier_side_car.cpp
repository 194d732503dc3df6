// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/checkpoints/outlier_side_car.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/data/strict_json.h"
#include "core/model/block_formats.h"

#include <algorithm>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

constexpr const char* hint = "See outlier_channels.schema.json for what it may hold";

class ColumnDecoder : public TensorDecoder {
public:
    ColumnDecoder(std::shared_ptr<const TensorDecoder> weight, std::int64_t inputs,
                  std::shared_ptr<const OutlierColumns> columns)
        : weight_(std::move(weight)), inputs_(inputs), columns_(std::move(columns)) {}
    void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const override {
        weight_->decodeRows(first, count, out);
        const std::size_t kept = columns_->channels.size();
        std::vector<float> row(kept);
        for (std::int64_t r = 0; r < count; ++r) {
            dequantizeRows(columns_->values, first + r, 1, row);
            for (std::size_t k = 0; k < kept; ++k)
                out[std::size_t(r * inputs_ + columns_->channels[k])] = row[k];
        }
    }

private:
    std::shared_ptr<const TensorDecoder> weight_;
    std::int64_t inputs_;
    std::shared_ptr<const OutlierColumns> columns_;
};

std::vector<int> channelsOf(StrictObject& entry) {
    const nlohmann::json* list = entry.list("channels");
    if (!list) entry.need("channels");
    std::vector<int> channels;
    for (const auto& one : *list) {
        const bool fits = one.is_number_unsigned() && one.get<std::uint64_t>() < (1U << 30);
        if (!fits) entry.fail("a channel number from 0 was expected, got " + one.dump(), "channels");
        channels.push_back(one.get<int>());
    }
    if (channels.empty() ||
        std::adjacent_find(channels.begin(), channels.end(), std::greater_equal<>()) != channels.end())
        entry.fail("ascending channel numbers were expected", "channels");
    return channels;
}

} // namespace

std::unique_ptr<const OutlierSideCar> OutlierSideCar::open(const fs::path& folder) {
    const fs::path file = folder / "outlier_channels.json";
    std::error_code code;
    if (!fs::exists(file, code)) return nullptr;
    const std::string where = file.string();
    const auto json = parseStrictObject(readFile(file), where, hint);
    StrictObject root(json, where, "", hint);
    for (const char* known : {"$schema", "auto_class", "producer", "base"})
        root.find(known);
    if (root.text("format") != "outlier-channels") root.fail("outlier-channels was expected", "format");
    root.integer("version", 1, 1);
    const std::string name = root.text("tensors", 200);
    if (name.find_first_of("/\\") != std::string::npos || !name.ends_with(".safetensors"))
        root.fail("the name of a .safetensors file beside it was expected", "tensors");
    const auto tensors = TensorFile::openSafetensors(folder / name);
    auto made = std::make_unique<OutlierSideCar>();
    const auto& modules = root.need("modules");
    StrictObject checked(modules, where, "modules", hint);
    root.finish();
    for (const auto& [module, value] : modules.items()) {
        StrictObject entry(value, where, "modules." + module, hint);
        entry.find("dtype");
        auto columns = std::make_shared<OutlierColumns>();
        columns->channels = channelsOf(entry);
        entry.finish();
        const StoredTensor* weight = tensors->find(module + ".outlier_weight");
        if (!weight || weight->shape.size() != 2 ||
            weight->shape[1] != static_cast<std::int64_t>(columns->channels.size()))
            throw Error("has no matrix \"" + module + ".outlier_weight\" of " +
                            std::to_string(columns->channels.size()) + " columns",
                        (folder / name).string(), "Export again");
        columns->values = *weight;
        columns->file = tensors;
        made->columns_[module] = std::move(columns);
    }
    return made;
}

std::shared_ptr<const OutlierColumns> OutlierSideCar::find(const std::string& module) const {
    const auto found = columns_.find(module);
    return found == columns_.end() ? nullptr : found->second;
}

std::vector<std::string> OutlierSideCar::modules() const {
    std::vector<std::string> names;
    for (const auto& [name, columns] : columns_)
        names.push_back(name);
    return names;
}

std::shared_ptr<const TensorDecoder> withColumns(std::shared_ptr<const TensorDecoder> weight,
                                                 const std::vector<std::int64_t>& shape,
                                                 std::shared_ptr<const OutlierColumns> columns,
                                                 const std::string& module) {
    if (columns->values.shape[0] != shape[0] || columns->channels.back() >= shape[1])
        throw Error("the kept channels of " + module + " do not fit its weight " + shapeText(shape),
                    "outlier_channels.json", "Export again");
    return std::make_shared<ColumnDecoder>(std::move(weight), shape[1], std::move(columns));
}

} // namespace kurtoscope
