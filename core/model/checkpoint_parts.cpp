// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/checkpoint_parts.h"

#include "core/model/block_formats.h"

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr const char* hint = "The weights do not belong to this config.json, or the download is incomplete";

std::string expectedShape(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const auto size : shape)
        text += (text.size() > 1 ? ", " : "") + (size == CheckpointParts::any ? "any" : std::to_string(size));
    return text + "]";
}

bool fits(const std::vector<std::int64_t>& got, const std::vector<std::int64_t>& expected) {
    return got.size() == expected.size() && std::ranges::equal(got, expected, [](auto is, auto wanted) {
               return wanted == CheckpointParts::any || is == wanted;
           });
}

} // namespace

std::vector<std::string> CheckpointParts::modulesWith(const std::string& part) const {
    std::vector<std::string> modules;
    const std::string end = "." + part;
    for (const StoredTensor& tensor : file_->tensors())
        if (tensor.name.ends_with(end))
            modules.push_back(tensor.name.substr(0, tensor.name.size() - end.size()));
    return modules;
}

const StoredTensor* CheckpointParts::find(const std::string& name) {
    const StoredTensor* tensor = file_->find(name);
    if (!tensor) return nullptr;
    parts_.insert(name);
    return tensor;
}

const StoredTensor& CheckpointParts::need(const std::string& name) {
    if (const StoredTensor* tensor = find(name)) return *tensor;
    throw Error("has no tensor " + inQuotes(name), "the quantized weights", hint);
}

const StoredTensor& CheckpointParts::need(const std::string& name, std::initializer_list<StoredType> types,
                                          const std::vector<std::int64_t>& shape) {
    const StoredTensor& tensor = need(name);
    check(tensor, types, shape);
    return tensor;
}

void CheckpointParts::check(const StoredTensor& tensor, std::initializer_list<StoredType> types,
                            const std::vector<std::int64_t>& shape) {
    if (std::ranges::find(types, tensor.type) == types.end()) {
        std::string wanted;
        for (const StoredType type : types)
            wanted += (wanted.empty() ? "" : " or ") + std::string(storedTypeName(type));
        refuse(tensor.name, std::string("is ") + storedTypeName(tensor.type) + ", expected " + wanted);
    }
    if (!fits(tensor.shape, shape))
        refuse(tensor.name, "has shape " + shapeText(tensor.shape) + ", expected " + expectedShape(shape));
}

void CheckpointParts::refuse(const std::string& tensor, const std::string& what) {
    throw Error(inQuotes(tensor) + " " + what, "the quantized weights", hint);
}

void CheckpointParts::add(const std::string& module, std::int64_t rows, std::int64_t columns,
                          const std::string& kind, std::shared_ptr<const TensorDecoder> decoder) {
    std::int64_t count = 0, bytes = 0;
    if (__builtin_mul_overflow(rows, columns, &count) || __builtin_mul_overflow(count, 4, &bytes))
        refuse(module, "stands for more values than fit in 63 bits");
    // The type is that of the stored integers; only the decoder knows the values.
    weights_.push_back({module + ".weight", StoredType::I8, {rows, columns}, {}, std::move(decoder)});
    kinds_[kind] += count;
}

OpenedCheckpoint CheckpointParts::finish(const std::string& method, const std::string& recipe) {
    OpenedCheckpoint opened;
    opened.stored.method = method;
    opened.stored.recipe = recipe;
    std::vector<std::pair<std::string, std::int64_t>> order(kinds_.begin(), kinds_.end());
    std::ranges::stable_sort(order, [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [kind, count] : order)
        opened.stored.summary += (opened.stored.summary.empty() ? "" : " and ") + kind;
    opened.stored.summary += " (" + method + ")";
    for (const StoredTensor& tensor : file_->tensors())
        if (!parts_.contains(tensor.name)) weights_.push_back(tensor);
    opened.file = std::make_shared<DecodedTensors>(file_, std::move(weights_));
    return opened;
}

std::vector<float> valuesOf(const StoredTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    dequantize(tensor, values);
    return values;
}

std::vector<std::int32_t> groupsOf(const StoredTensor& tensor, std::int64_t groups) {
    std::vector<std::int32_t> all;
    for (const float value : valuesOf(tensor)) {
        if (!(value >= 0 && value < static_cast<float>(groups)))
            CheckpointParts::refuse(tensor.name, "names group " + std::to_string(value) + " of " +
                                                     std::to_string(groups) + ", numbered from 0");
        all.push_back(static_cast<std::int32_t>(value));
    }
    return all;
}

std::vector<std::int32_t> evenGroups(std::int64_t columns, std::int64_t size) {
    std::vector<std::int32_t> groups(static_cast<std::size_t>(columns));
    for (std::size_t column = 0; column < groups.size(); ++column)
        groups[column] = static_cast<std::int32_t>(static_cast<std::int64_t>(column) / size);
    return groups;
}

} // namespace kurtoscope
