// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/onnx/wire.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace kurtoscope {

class ExportFolder;

// TensorProto's numbers of element types.
enum class OnnxType : int {
    float32 = 1,
    uint8 = 2,
    int8 = 3,
    int64 = 7,
    boolean = 9,
    float16 = 10,
    bfloat16 = 16,
    e4m3 = 17,
    e5m2 = 19,
};

// An ONNX graph while it is put together, operator by operator; values are known by their names. Operators
// are of opset 19. Fields' numbers: github.com/onnx/onnx, onnx.proto.
class OnnxGraph {
public:
    using Value = std::string;
    using Attribute = std::variant<std::int64_t, float, std::vector<std::int64_t>, std::string>;
    using Attributes = std::map<std::string, Attribute>;

    // A dimension that is no number is one that the caller of the model chooses: "batch".
    Value input(const std::string& name, OnnxType type, const std::vector<std::string>& shape);
    void output(const std::string& name, const Value& value, OnnxType type,
                const std::vector<std::string>& shape);

    // `name` is the operator's first output's, made unique where it is not; empty: after the operator.
    Value node(const std::string& op, const std::vector<Value>& inputs, const Attributes& attributes = {},
               const std::string& name = {});
    std::vector<Value> split(const Value& value, std::int64_t parts, std::int64_t axis);

    // A tensor that the file holds; float32, int64, int8, uint8 or bool. Shared where the same name was added
    // before.
    Value tensor(const std::string& name, const at::Tensor& values);
    bool has(const std::string& tensor) const { return tensors_.contains(tensor); }
    Value real(float value);                              // a scalar
    Value whole(const std::vector<std::int64_t>& values); // one dimension
    Value byte(OnnxType type, int value);                 // a scalar int8 or uint8

    void note(const std::string& key, const std::string& text) { notes_[key] = text; } // metadata_props

    std::int64_t tensorBytes() const;
    // NAME, and NAME.data beside it where the tensors take more than `largest` bytes: a protobuf file ends at
    // 2 GB.
    void write(const std::string& name, std::int64_t largest, ExportFolder& out) const;

private:
    std::string unique(const std::string& name);
    WireMessage model(const std::vector<WireMessage>& tensors) const;

    std::vector<WireMessage> nodes_, inputs_, outputs_;
    std::map<std::string, at::Tensor> tensors_;
    std::map<std::string, std::string> notes_;
    std::map<std::string, int> used_;
};

} // namespace kurtoscope
