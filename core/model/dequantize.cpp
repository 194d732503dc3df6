// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/block_formats.h"
#include "core/model/tensor_file.h"

#include <string>

namespace kurtoscope {
namespace {

std::string describe(const StoredTensor& tensor) {
    return std::string(storedTypeName(tensor.type)) + " " + shapeText(tensor.shape);
}

// Readers have checked their tensors; one put together by hand has not been.
void checkBytes(const StoredTensor& tensor) {
    const auto expected = storedBytes(tensor.type, tensor.shape);
    if (!expected)
        throw Error(describe(tensor) + " has rows that are not whole blocks of " +
                        std::to_string(blockFormat(tensor.type).elements) + " values",
                    tensor.name, "Download the model again");
    if (static_cast<std::size_t>(*expected) != tensor.bytes.size())
        throw Error(describe(tensor) + " takes " + std::to_string(*expected) + " bytes, got " +
                        std::to_string(tensor.bytes.size()),
                    tensor.name, "Download the model again");
}

void checkOutput(const StoredTensor& tensor, std::int64_t expected, std::size_t got) {
    if (static_cast<std::size_t>(expected) != got)
        throw Error("room for " + std::to_string(expected) + " values expected, got " + std::to_string(got),
                    tensor.name, "Make the output as large as the tensor");
}

} // namespace

std::optional<std::int64_t> elementCount(const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    for (const auto size : shape)
        if (size < 0 || __builtin_mul_overflow(count, size, &count)) return std::nullopt;
    return count;
}

std::optional<std::int64_t> storedBytes(StoredType type, const std::vector<std::int64_t>& shape) {
    const auto format = blockFormat(type);
    const auto count = elementCount(shape);
    const std::int64_t row = shape.empty() ? 1 : shape.back();
    std::int64_t bytes = 0;
    if (!count || row % format.elements != 0 ||
        __builtin_mul_overflow(*count / format.elements, format.bytes, &bytes))
        return std::nullopt;
    return bytes;
}

std::string shapeText(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const auto size : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    return text + "]";
}

void dequantize(const StoredTensor& tensor, std::span<float> out) {
    if (tensor.decoder) {
        checkOutput(tensor, tensor.elements(), out.size());
        return tensor.decoder->decodeRows(0, tensor.shape.at(0), out);
    }
    checkBytes(tensor);
    checkOutput(tensor, tensor.elements(), out.size());
    decodeBlocks(tensor.type, tensor.bytes.data(), tensor.elements() / blockFormat(tensor.type).elements,
                 out.data());
}

void dequantizeRows(const StoredTensor& tensor, std::int64_t first, std::int64_t count,
                    std::span<float> out) {
    if (!tensor.decoder) checkBytes(tensor);
    if (tensor.shape.size() != 2)
        throw Error("expected two dimensions, got " + describe(tensor), tensor.name,
                    "Rows can be read from a matrix only");
    const std::int64_t rows = tensor.shape[0], columns = tensor.shape[1];
    if (first < 0 || count < 0 || first > rows || count > rows - first)
        throw Error("rows " + std::to_string(first) + " to " + std::to_string(first) + " + " +
                        std::to_string(count) + " asked for, got a tensor of " + std::to_string(rows) +
                        " rows",
                    tensor.name, "Ask for rows within the tensor");
    checkOutput(tensor, count * columns, out.size());
    if (tensor.decoder) return tensor.decoder->decodeRows(first, count, out);
    const auto format = blockFormat(tensor.type);
    const std::int64_t blocksPerRow = columns / format.elements;
    decodeBlocks(tensor.type, tensor.bytes.data() + first * blocksPerRow * format.bytes, count * blocksPerRow,
                 out.data());
}

} // namespace kurtoscope
