// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/onnx/onnx_model.h"

#include "core/base/error.h"
#include "core/export/onnx/rounding_nodes.h"
#include "core/quantization/weight_levels.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace kurtoscope {

template <>
Registry<OnnxFamily>& Registry<OnnxFamily>::instance() {
    static Registry<OnnxFamily> registry;
    return registry;
}

using Value = OnnxGraph::Value;

namespace {

at::Tensor columnsOf(const at::Tensor& weight, const std::set<int>& columns) {
    const std::vector<std::int64_t> list(columns.begin(), columns.end());
    return weight.to(at::kCPU).index_select(1, at::tensor(list, at::kLong)).t().contiguous(); // [kept, out]
}

} // namespace

OnnxModel::OnnxModel(const ExportSubject& subject, OnnxWeights weights)
    : subject_(subject), weights_(weights) {
    for (NamedTensor& one : subject.model().tensors())
        tensors_.emplace(one.name, std::move(one.values));
}

const Linear* OnnxModel::find(const std::string& name) const {
    for (const auto& linear : subject_.model().linears())
        if (linear->name == name) return linear.get();
    return nullptr;
}

Value OnnxModel::tensor(const std::string& name) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end())
        throw Error("has no tensor \"" + name + "\"", subject_.folder.path,
                    "This is a fault in Kurtoscope: please report it with these words");
    return graph_.tensor(name, found->second);
}

Value OnnxModel::paddingFor(Site site) {
    if (padding_.empty() || site.place != Place::attn_probs) return padding_;
    return graph_.node("Unsqueeze", {padding_, graph_.whole({1})}); // [batch, 1, position, 1]
}

Value OnnxModel::see(Site site, const Value& x) {
    const SiteRounding* rounding = subject_.arithmetic ? subject_.arithmetic->valueRounding(site) : nullptr;
    if (!rounding) return x;
    return withKept(graph_, x, roundingNodes(graph_, x, *rounding, paddingFor(site), site.name()), *rounding);
}

OnnxModel::Operand OnnxModel::operand(Site site, const Value& x) {
    Operand made{x, x};
    if (!subject_.arithmetic) return made;
    const auto steps = subject_.arithmetic->online().find(site);
    const bool hasSteps = steps != subject_.arithmetic->online().end();
    if (hasSteps) {
        for (std::size_t i = 0; i < steps->second.size(); ++i) {
            const OnlineStep& step = steps->second[i];
            const std::string name = site.name() + "/step" + std::to_string(i);
            made.plain =
                step.rotation.defined()
                    ? graph_.node("MatMul", {made.plain, graph_.tensor(name + "/rotation", step.rotation)})
                    : graph_.node("Div", {made.plain, graph_.tensor(name + "/divisor", step.divisor)});
        }
        made.rounded = made.plain;
    }
    steps_["read." + site.name()] = made.plain;
    // Under all-activations x has been rounded where it was made, but what a step makes is a tensor of its
    // own.
    const bool already = subject_.recipe.scope == Scope::all_activations && !hasSteps;
    const SiteRounding* rounding = already ? nullptr : subject_.arithmetic->rounding(site);
    if (!rounding) return made;
    const Value rounded =
        roundingNodes(graph_, made.plain, *rounding, paddingFor(site), site.name() + "/operand");
    made.split = !rounding->inlier.empty() && subject_.plan.weights;
    const ActivationRule& rule = rounding->rule;
    made.integers = rule.format == Format::integer && !rule.dynamic && rounding->scales.empty() &&
                    rule.bits <= 8 && (rounding->inlier.empty() || made.split);
    made.rounded = made.split ? rounded : withKept(graph_, made.plain, rounded, *rounding);
    return made;
}

// [in, out]: integers with their scale where the recipe rounds to such, floats else. Rows of `split` columns
// are zero. A DequantizeLinear stands only before a product of integers: before one of floats, ONNX Runtime
// takes it for a product that rounds its other side to 8 bits as well.
Value OnnxModel::weight(const Linear& linear, const std::set<int>& split, bool integers) {
    const std::string name = linear.name + ".weight/in_out";
    const at::Tensor* rounded = subject_.arithmetic ? subject_.arithmetic->roundedWeight(linear) : nullptr;
    const auto& rule = subject_.plan.weights;
    if (!rounded || rule->format != Format::integer || rule->bits > 8) {
        at::Tensor plain = (rounded ? *rounded : linear.weight).to(at::kCPU);
        if (!split.empty()) plain = plain.clone();
        for (const int column : split)
            plain.select(1, column).zero_();
        return graph_.tensor(name, plain.t());
    }
    const WeightLevels levels =
        levelsOf(*rounded, *rule, subject_.arithmetic->keptOf(subject_.recipe, linear.input), linear.name);
    const bool isSigned = weights_ == OnnxWeights::int8;
    const at::Tensor q =
        at::from_blob(const_cast<std::int8_t*>(levels.q.data()), {levels.outputs, levels.inputs}, at::kChar);
    const at::Tensor scales = at::tensor(levels.scales, at::kFloat).view({levels.rowScales, levels.groups});
    at::Tensor zeros = levels.zeros.empty() ? at::zeros({levels.rowScales, levels.groups}, at::kInt)
                                            : at::from_blob(const_cast<std::int8_t*>(levels.zeros.data()),
                                                            {levels.rowScales, levels.groups}, at::kChar)
                                                  .to(at::kInt);
    const auto stored = [&](const at::Tensor& values) {
        return isSigned ? values.to(at::kChar).clone() : (values.to(at::kInt) + 128).to(at::kByte);
    };
    if (levels.groups == 1 && integers) {
        const bool whole = levels.rowScales == 1;
        const auto shape = [&](const at::Tensor& t) { return whole ? t.reshape({}) : t.reshape({-1}); };
        return graph_.node("DequantizeLinear",
                           {graph_.tensor(name + "/integers", stored(q.t())),
                            graph_.tensor(name + "/scale", shape(scales).contiguous()),
                            graph_.tensor(name + "/zero", stored(shape(zeros)))},
                           whole ? OnnxGraph::Attributes{} : OnnxGraph::Attributes{{"axis", 1}}, name);
    }
    // No operator of this opset has scales for groups of inputs either: a product of floats makes the weight
    // from its integers.
    const std::int64_t size = (levels.inputs + levels.groups - 1) / levels.groups,
                       whole = size * levels.groups;
    const at::Tensor padded = at::constant_pad_nd(q.t(), {0, 0, 0, whole - levels.inputs}, 0); // [in, out]
    const Value plain = graph_.node(
        "Cast",
        {graph_.tensor(name + "/integers", padded.contiguous().view({levels.groups, size, levels.outputs}))},
        {{"to", static_cast<std::int64_t>(OnnxType::float32)}});
    const auto line = [&](const at::Tensor& t) { return t.t().unsqueeze(1).contiguous(); }; // [group, 1, out]
    Value centred = plain;
    if (!levels.zeros.empty())
        centred = graph_.node("Sub", {plain, graph_.tensor(name + "/zero", line(zeros.to(at::kFloat)))});
    const Value scaled = graph_.node("Mul", {centred, graph_.tensor(name + "/scale", line(scales))});
    const Value all = graph_.node("Reshape", {scaled, graph_.whole({whole, levels.outputs})});
    return whole == levels.inputs ? all
                                  : graph_.node("Slice", {all, graph_.whole({0}),
                                                          graph_.whole({levels.inputs}), graph_.whole({0})});
}

Value OnnxModel::linear(const std::string& name, const Operand& x) {
    const Linear* linear = find(name);
    if (!linear)
        throw Error("has no linear layer \"" + name + "\"", subject_.folder.path,
                    "This is a fault in Kurtoscope: please report it with these words");
    const bool rounded = subject_.arithmetic && subject_.arithmetic->roundedWeight(*linear);
    const std::set<int> kept = subject_.arithmetic && !linear->head
                                   ? subject_.arithmetic->keptOf(subject_.recipe, linear->input)
                                   : std::set<int>();
    // Kept columns stand beside a rounded weight, as no scale of it is theirs.
    const bool split = !kept.empty() && (rounded || x.split);
    Value product =
        graph_.node("MatMul", {x.rounded, weight(*linear, split ? kept : std::set<int>(), x.integers)}, {},
                    name + "/product");
    if (split) {
        const std::vector<std::int64_t> list(kept.begin(), kept.end());
        const Value columns =
            graph_.node("Gather", {x.plain, graph_.whole(list)}, {{"axis", -1}}, name + "/kept");
        const Value rows = graph_.tensor(name + ".weight/kept", columnsOf(linear->weight, kept));
        product = graph_.node("Add", {product, graph_.node("MatMul", {columns, rows})});
    }
    if (linear->bias.defined())
        product = graph_.node("Add", {product, graph_.tensor(name + ".bias", linear->bias)}, {}, name);
    steps_["made." + name] = product;
    return product;
}

Value OnnxModel::activation(const std::string& function, const Value& x) {
    const auto& make = [&](const char* op, std::vector<Value> inputs) { return graph_.node(op, inputs); };
    if (function == "relu") return make("Relu", {x});
    if (function == "tanh") return make("Tanh", {x});
    if (function == "silu" || function == "swish") return make("Mul", {x, make("Sigmoid", {x})});
    Value inner;
    if (function == "gelu") {
        inner = make("Erf", {make("Div", {x, graph_.real(std::numbers::sqrt2_v<float>)})});
    } else { // the tanh form
        const Value cube = make("Mul", {make("Mul", {x, x}), x});
        const Value sum = make("Add", {x, make("Mul", {cube, graph_.real(0.044715F)})});
        inner = make("Tanh", {make("Mul", {sum, graph_.real(std::sqrt(2 / std::numbers::pi_v<float>))})});
    }
    return make("Mul", {make("Mul", {x, make("Add", {inner, graph_.real(1)})}), graph_.real(0.5F)});
}

Value OnnxModel::index(std::int64_t value) {
    return graph_.tensor("index/" + std::to_string(value), at::full({}, value, at::kLong));
}

Value OnnxModel::toFloat(const Value& x) {
    return graph_.node("Cast", {x}, {{"to", static_cast<std::int64_t>(OnnxType::float32)}});
}

OnnxModel::Causal OnnxModel::causal(const Value& ids, const Value& mask) {
    const Value valid = graph_.node("Cast", {mask}, {{"to", static_cast<std::int64_t>(OnnxType::boolean)}});
    setPadding(graph_.node("Unsqueeze", {toFloat(mask), graph_.whole({-1})})); // [batch, position, 1]
    const Value length = graph_.node("Gather", {graph_.node("Shape", {ids}), index(1)});
    const Value positions = graph_.node("Range", {index(0), length, index(1)});
    const Value column = graph_.node("Unsqueeze", {positions, graph_.whole({1})});
    const Value past =
        graph_.node("GreaterOrEqual", {column, graph_.node("Unsqueeze", {positions, graph_.whole({0})})});
    return {graph_.node("And", {past, graph_.node("Unsqueeze", {valid, graph_.whole({1, 2})})}), column};
}

Value OnnxModel::splitHeads(const Value& x, std::int64_t heads, std::int64_t size) {
    const Value split = graph_.node("Reshape", {x, graph_.whole({0, 0, heads, size})});
    return graph_.node("Transpose", {split}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
}

Value OnnxModel::attention(int layer, const Value& q, const Value& k, const Value& v, std::int64_t heads,
                           std::int64_t keyValueHeads, std::int64_t size, const Value& mask) {
    // Query heads that share a key's head: [batch, key head, 1, position, size] spread over their group.
    const auto spread = [&](const Value& x) {
        const std::int64_t group = heads / keyValueHeads;
        if (group == 1) return x;
        const Value one = graph_.node("Unsqueeze", {x, graph_.whole({2})});
        const Value all = graph_.node("Expand", {one, graph_.whole({1, 1, group, 1, 1})});
        return graph_.node("Reshape",
                           {all, graph_.node("Concat",
                                             {graph_.node("Slice", {graph_.node("Shape", {x}),
                                                                    graph_.whole({0}), graph_.whole({1})}),
                                              graph_.whole({heads, -1, size})},
                                             {{"axis", 0}})});
    };
    const Value keys =
        graph_.node("Transpose", {spread(k)}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
    const Value scores =
        graph_.node("Mul", {graph_.node("MatMul", {q, keys}),
                            graph_.real(static_cast<float>(1.0 / std::sqrt(static_cast<double>(size))))});
    const Value allowed = graph_.node("Where", {mask, scores, graph_.real(-3.4028235e38F)});
    const Value chances = see({layer, Place::attn_probs}, graph_.node("Softmax", {allowed}, {{"axis", -1}}));
    const Value context = graph_.node("MatMul", {chances, spread(v)}); // [batch, head, position, size]
    const Value turned =
        graph_.node("Transpose", {context}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
    return graph_.node("Reshape", {turned, graph_.whole({0, 0, heads * size})});
}

Value OnnxModel::languageHead(const Value& x, const std::string& embedding) {
    const Value weight = tensor(hasTensor("lm_head.weight") ? "lm_head.weight" : embedding);
    const Value turned = graph_.node("Transpose", {weight}, {{"perm", std::vector<std::int64_t>{1, 0}}});
    return graph_.node("MatMul", {x, turned});
}

} // namespace kurtoscope
