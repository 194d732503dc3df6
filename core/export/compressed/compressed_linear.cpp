// SPDX-License-Identifier: GPL-3.0-or-later
// Arguments as compressed-tensors 0.20 checks them (docs: github.com/vllm-project/compressed-tensors).
#include "core/export/compressed/compressed_linear.h"

#include "core/quantization/number_format.h"

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

class LimitList {
public:
    explicit LimitList(std::vector<ExportLimit>& limits) : limits_(limits) {}
    // Said once, however many layers it concerns.
    void add(const std::string& what, const std::string& nearest) {
        for (const ExportLimit& known : limits_)
            if (known.what == what) return;
        limits_.push_back({what, nearest});
    }

private:
    std::vector<ExportLimit>& limits_;
};

Json arguments(int bits, const char* type, bool symmetric, const char* strategy, const Json& dynamic) {
    return {{"num_bits", bits},
            {"type", type},
            {"symmetric", symmetric},
            {"strategy", strategy},
            {"dynamic", dynamic}};
}

std::string bitsText(const Json& arguments) {
    return std::string(arguments.at("type") == "float" ? "fp" : "int") +
           std::to_string(arguments.at("num_bits").get<int>());
}

std::string sideText(const Json& arguments, const char* side) {
    if (arguments.is_null()) return std::string("float ") + side;
    std::string strategy = arguments.at("strategy").get<std::string>();
    if (strategy == "group" || strategy == "tensor_group")
        strategy = "group of " + std::to_string(arguments.at("group_size").get<int>());
    std::string text = bitsText(arguments) + " " + side + " per " + strategy;
    if (std::string_view(side) == "activations")
        text += arguments.at("dynamic") == false ? ", static" : ", dynamic";
    if (!arguments.at("symmetric").get<bool>()) text += ", asymmetric";
    return text;
}

class Describer {
public:
    Describer(const ExportSubject& subject, Packing packing, LimitList limits)
        : subject_(subject), packing_(packing), limits_(limits) {}

    CompressedLinear describe(const Linear& linear) const {
        CompressedLinear one;
        one.linear = &linear;
        one.input = subject_.arithmetic->rounding(linear.input);
        one.rounded = subject_.arithmetic->roundedWeight(linear);
        one.kept = subject_.arithmetic->keptOf(subject_.recipe, linear.input);
        if (one.rounded) one.weightRule = *subject_.plan.weights;
        if (one.input && !activations(one)) one.input = nullptr;
        if (one.rounded) weights(one);
        one.treatment = sideText(one.weights, "weights") + ", " + sideText(one.activations, "activations");
        return one;
    }

private:
    // False where nothing of it can be carried.
    bool activations(CompressedLinear& one) const {
        const SiteRounding& rounding = *one.input;
        const ActivationRule& rule = rounding.rule;
        if (rule.format != Format::integer) return floatActivations(one);
        if (rule.bits > 8) {
            limits_.add(std::to_string(rule.bits) + "-bit activations (" + one.linear->input.name() + ")",
                        "activations of these inputs stay in floating point");
            return false;
        }
        if (rule.threshold > 0) {
            limits_.add("outlier channels found at run time (a threshold)", "");
            return false;
        }
        if (!rounding.groups.empty() || rule.embeddingGroups > 0) {
            limits_.add("embedding groups sorted by range (per-embedding groups)", "");
            return false;
        }
        if (rule.granularity == Granularity::per_channel || !rounding.scales.empty()) {
            limits_.add(rule.granularity == Granularity::per_channel ? "activation scales per channel"
                                                                     : "static activation scales per group",
                        "");
            return false;
        }
        const bool grouped = rule.granularity == Granularity::per_group;
        one.activations = arguments(rule.bits, "int", rule.symmetric,
                                    grouped           ? "group"
                                    : rule.perToken() ? "token"
                                                      : "tensor",
                                    rule.dynamic);
        if (grouped) {
            one.activations["group_size"] = rule.group;
            if (one.linear->weight.size(1) % rule.group != 0)
                limits_.add("activation groups of " + std::to_string(rule.group) + " over " +
                                std::to_string(one.linear->weight.size(1)) +
                                " channels, which they do not divide",
                            "");
        }
        if (rule.reciprocal)
            limits_.add(reciprocalInputs, "inputs divided by their scale, as levels=full does");
        if (rule.symmetric && !rule.fullRange && rule.dynamic)
            limits_.add("dynamic symmetric scales of absmax / " + std::to_string((1 << (rule.bits - 1)) - 1) +
                            " (levels=narrow)",
                        "the target takes absmax / " + std::to_string((1 << (rule.bits - 1)) - 1) +
                            ".5 and one level more below; a recipe with levels=full simulates exactly that");
        if (rule.symmetric && !rule.fullRange && !rule.dynamic)
            limits_.add("a lowest level of −" + std::to_string((1 << (rule.bits - 1)) - 1) +
                            " (levels=narrow)",
                        "the scale is the same, but values below the range go one level further, to −" +
                            std::to_string(1 << (rule.bits - 1)) +
                            "; a recipe with levels=full simulates exactly that");
        return true;
    }

    bool floatActivations(CompressedLinear& one) const {
        const ActivationRule& rule = one.input->rule;
        switch (rule.format) {
        case Format::e4m3:
            one.activations = arguments(8, "float", true, rule.perToken() ? "token" : "tensor", rule.dynamic);
            return true;
        case Format::nvfp4:
            if (!rule.dynamic) {
                one.activations = arguments(4, "float", true, "tensor_group", "local");
                one.activations["group_size"] = 16;
                one.activations["scale_dtype"] = one.activations["zp_dtype"] = "torch.float8_e4m3fn";
                return true;
            }
            limits_.add("NVFP4 activations whose tensor scale is taken at run time",
                        "activations stay in floating point; tensor_scale=static can be carried");
            return false;
        case Format::fp16:
        case Format::bf16:
            limits_.add("activations cast to " + std::string(numberFormat(rule.format).name),
                        "activations stay in the type the model is loaded in");
            return false;
        default:
            limits_.add("activations as " + std::string(numberFormat(rule.format).name),
                        "activations stay in floating point");
            return false;
        }
    }

    void weights(CompressedLinear& one) const {
        const WeightRule& rule = one.weightRule;
        const std::int64_t inputs = one.linear->weight.size(1);
        if (rule.format != Format::integer) return floatWeights(one);
        const bool grouped = rule.granularity == Granularity::per_group;
        one.weights = arguments(rule.bits, "int", rule.symmetric,
                                grouped                                        ? "group"
                                : rule.granularity == Granularity::per_channel ? "channel"
                                                                               : "tensor",
                                false);
        if (grouped) {
            one.weights["group_size"] = rule.group;
            if (inputs % rule.group != 0)
                limits_.add("weight groups of " + std::to_string(rule.group) + " over " +
                                std::to_string(inputs) + " inputs, which they do not divide",
                            "");
        }
        // Packed zero points are refused by the loaders, and other widths than 4 and 8 by older ones.
        const bool packs = packing_ == Packing::automatic && one.activations.is_null() && rule.symmetric &&
                           (rule.bits == 4 || rule.bits == 8);
        one.format = packs ? "pack-quantized" : "int-quantized";
    }

    void floatWeights(CompressedLinear& one) const {
        const WeightRule& rule = one.weightRule;
        const std::int64_t inputs = one.linear->weight.size(1);
        const auto blocks = [&](int size, const char* scaleType, const char* strategy, const char* format) {
            if (inputs % size != 0) {
                limits_.add(std::string(numberFormat(rule.format).name) + " blocks of " +
                                std::to_string(size) + " over " + std::to_string(inputs) +
                                " inputs, which they do not divide",
                            "");
                return;
            }
            one.weights = arguments(4, "float", true, strategy, false);
            one.weights["group_size"] = size;
            one.weights["scale_dtype"] = one.weights["zp_dtype"] = scaleType;
            one.format = format;
        };
        switch (rule.format) {
        case Format::e4m3:
            one.weights = arguments(
                8, "float", true, rule.granularity == Granularity::per_channel ? "channel" : "tensor", false);
            one.format = "float-quantized";
            return;
        case Format::nvfp4:
            return blocks(16, "torch.float8_e4m3fn", "tensor_group", "nvfp4-pack-quantized");
        case Format::mxfp4:
            return blocks(32, "torch.uint8", "group", "mxfp4-pack-quantized");
        default:
            limits_.add("weights as " + std::string(numberFormat(rule.format).name), "");
        }
    }

    const ExportSubject& subject_;
    Packing packing_;
    mutable LimitList limits_;
};

} // namespace

std::vector<CompressedLinear> compressedLinears(const ExportSubject& subject, Packing packing,
                                                std::vector<ExportLimit>& limits) {
    std::vector<CompressedLinear> all;
    if (!subject.arithmetic) return all;
    const Describer describer(subject, packing, LimitList(limits));
    for (const auto& linear : subject.model().linears()) {
        if (linear->head) continue;
        CompressedLinear one = describer.describe(*linear);
        if (one.input || one.rounded) all.push_back(std::move(one));
    }
    return all;
}

} // namespace kurtoscope
