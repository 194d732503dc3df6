// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/graph.h"

#include "core/base/error.h"
#include "core/export/export_folder.h"

#include <ATen/ATen.h>

#include <bit>
#include <fstream>

namespace kurtoscope {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

constexpr std::int64_t irVersion = 9, opset = 19;
constexpr std::int64_t pageBytes =
    4096; // tensors beside the model begin at pages, so that they can be mapped

OnnxType typeOf(const at::Tensor& values) {
    switch (values.scalar_type()) {
    case at::kFloat:
        return OnnxType::float32;
    case at::kLong:
        return OnnxType::int64;
    case at::kChar:
        return OnnxType::int8;
    case at::kByte:
        return OnnxType::uint8;
    default:
        return OnnxType::boolean;
    }
}

std::string_view bytesOf(const at::Tensor& values) {
    return {static_cast<const char*>(values.const_data_ptr()), static_cast<std::size_t>(values.nbytes())};
}

WireMessage valueInfo(const std::string& name, OnnxType type, const std::vector<std::string>& shape) {
    WireMessage dimensions;
    for (const std::string& size : shape) {
        WireMessage dimension;
        if (size.find_first_not_of("0123456789") == size.npos)
            dimension.integer(1, std::stoll(size));
        else
            dimension.bytes(2, size);
        dimensions.message(1, dimension);
    }
    const WireMessage tensor = WireMessage().integer(1, static_cast<int>(type)).message(2, dimensions);
    return WireMessage().bytes(1, name).message(2, WireMessage().message(1, tensor));
}

WireMessage attribute(const std::string& name, const OnnxGraph::Attribute& value) {
    constexpr int isFloat = 1, isInt = 2, isString = 3, isInts = 7;
    WireMessage made;
    made.bytes(1, name);
    if (const auto* real = std::get_if<float>(&value)) return made.real(2, *real).integer(20, isFloat);
    if (const auto* whole = std::get_if<std::int64_t>(&value))
        return made.integer(3, *whole).integer(20, isInt);
    if (const auto* text = std::get_if<std::string>(&value))
        return made.bytes(4, *text).integer(20, isString);
    for (const std::int64_t one : std::get<std::vector<std::int64_t>>(value))
        made.integer(8, one);
    return made.integer(20, isInts);
}

WireMessage tensorHead(const std::string& name, const at::Tensor& values) {
    WireMessage made;
    for (const std::int64_t size : values.sizes())
        made.integer(1, size);
    return made.integer(2, static_cast<int>(typeOf(values))).bytes(8, name);
}

WireMessage entry(const std::string& key, const std::string& value) {
    return WireMessage().bytes(1, key).bytes(2, value);
}

} // namespace

std::string OnnxGraph::unique(const std::string& name) {
    const int before = used_[name]++;
    return before == 0 ? name : unique(name + "_" + std::to_string(before));
}

OnnxGraph::Value OnnxGraph::input(const std::string& name, OnnxType type,
                                  const std::vector<std::string>& shape) {
    inputs_.push_back(valueInfo(name, type, shape));
    return unique(name);
}

void OnnxGraph::output(const std::string& name, const Value& value, OnnxType type,
                       const std::vector<std::string>& shape) {
    outputs_.push_back(valueInfo(node("Identity", {value}, {}, name), type, shape));
}

OnnxGraph::Value OnnxGraph::node(const std::string& op, const std::vector<Value>& inputs,
                                 const Attributes& attributes, const std::string& name) {
    const Value made = unique(name.empty() ? op : name);
    WireMessage message;
    for (const Value& input : inputs)
        message.bytes(1, input);
    message.bytes(2, made).bytes(3, made).bytes(4, op);
    for (const auto& [key, value] : attributes)
        message.message(5, attribute(key, value));
    nodes_.push_back(std::move(message));
    return made;
}

std::vector<OnnxGraph::Value> OnnxGraph::split(const Value& value, std::int64_t parts, std::int64_t axis) {
    WireMessage message;
    message.bytes(1, value);
    std::vector<Value> made;
    for (std::int64_t part = 0; part < parts; ++part) {
        made.push_back(unique("Split"));
        message.bytes(2, made.back());
    }
    message.bytes(3, made.front()).bytes(4, "Split");
    message.message(5, attribute("axis", axis)).message(5, attribute("num_outputs", parts));
    nodes_.push_back(std::move(message));
    return made;
}

OnnxGraph::Value OnnxGraph::tensor(const std::string& name, const at::Tensor& values) {
    if (tensors_.try_emplace(name, values).second) {
        tensors_.at(name) = values.to(at::kCPU).contiguous();
        ++used_[name];
    }
    return name;
}

OnnxGraph::Value OnnxGraph::real(float value) {
    return tensor("real/" + std::to_string(std::bit_cast<std::uint32_t>(value)),
                  at::full({}, value, at::kFloat));
}

OnnxGraph::Value OnnxGraph::whole(const std::vector<std::int64_t>& values) {
    std::string name = "whole";
    for (const std::int64_t value : values)
        name += "/" + std::to_string(value);
    return tensor(name, at::tensor(values, at::kLong));
}

OnnxGraph::Value OnnxGraph::byte(OnnxType type, int value) {
    const bool isSigned = type == OnnxType::int8;
    return tensor((isSigned ? "int8/" : "uint8/") + std::to_string(value),
                  at::full({}, value, isSigned ? at::kChar : at::kByte));
}

std::int64_t OnnxGraph::tensorBytes() const {
    std::int64_t bytes = 0;
    for (const auto& [name, values] : tensors_)
        bytes += static_cast<std::int64_t>(values.nbytes());
    return bytes;
}

WireMessage OnnxGraph::model(const std::vector<WireMessage>& tensors) const {
    WireMessage graph;
    for (const WireMessage& node : nodes_)
        graph.message(1, node);
    graph.bytes(2, "model");
    for (const WireMessage& tensor : tensors)
        graph.message(5, tensor);
    for (const WireMessage& input : inputs_)
        graph.message(11, input);
    for (const WireMessage& output : outputs_)
        graph.message(12, output);
    WireMessage model;
    model.integer(1, irVersion).bytes(2, "Kurtoscope").bytes(3, KURTOSCOPE_VERSION).message(7, graph);
    model.message(8, WireMessage().bytes(1, "").integer(2, opset));
    for (const auto& [key, text] : notes_)
        model.message(14, entry(key, text));
    return model;
}

void OnnxGraph::write(const std::string& name, std::int64_t largest, ExportFolder& out) const {
    constexpr std::size_t smallBytes =
        1024; // shapes and scalars stay in the model, where tools look for them
    const bool beside = tensorBytes() > largest;
    const std::string dataName = name + ".data";
    std::ofstream data;
    if (beside) data.open(out.file(dataName), std::ios::binary);
    std::int64_t offset = 0, done = 0;
    std::vector<WireMessage> tensors;
    for (const auto& [key, values] : tensors_) {
        out.throwIfStopped();
        out.tell("Writing the graph", done, tensorBytes());
        done += static_cast<std::int64_t>(values.nbytes());
        WireMessage one = tensorHead(key, values);
        const std::string_view bytes = bytesOf(values);
        if (beside && bytes.size() > smallBytes) {
            const std::int64_t gap = (pageBytes - offset % pageBytes) % pageBytes;
            data << std::string(static_cast<std::size_t>(gap), '\0') << bytes;
            offset += gap;
            one.message(13, entry("location", dataName));
            one.message(13, entry("offset", std::to_string(offset)));
            one.message(13, entry("length", std::to_string(bytes.size())));
            one.integer(14, 1); // external
            offset += static_cast<std::int64_t>(bytes.size());
        } else {
            one.bytes(9, bytes);
        }
        tensors.push_back(std::move(one));
    }
    if (beside) {
        data.close();
        if (!data)
            throw Error("could not be written", out.file(dataName).string(),
                        "Check the free space on the disk");
    }
    out.write(name, model(tensors).encoded());
}

} // namespace kurtoscope
