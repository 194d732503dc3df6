// SPDX-License-Identifier: GPL-3.0-or-later
// A torchao configuration to load the original model with, where one of its schemes is the recipe's.
#include "core/export/export_folder.h"
#include "core/export/model_files.h"
#include "core/export/text_parts.h"

#include <nlohmann/json.hpp>

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

struct Choice {
    std::string call; // in Python
    Json config;      // as torchao's config_to_dict writes it; null where none fits
};

Json named(const std::string& type, Json data) {
    return {{"_type", type}, {"_data", std::move(data)}};
}

Json versioned(const std::string& type, int version, Json data) {
    return {{"_type", type}, {"_version", version}, {"_data", std::move(data)}};
}

Choice choiceFor(const Plan& plan) {
    const auto& weights = plan.weights;
    const auto& inputs = plan.activations;
    if (!weights || weights->format != Format::integer || weights->solver) return {};
    const bool perRow = weights->granularity == Granularity::per_channel && weights->symmetric;
    const bool perToken = inputs && inputs->format == Format::integer && inputs->perToken() &&
                          inputs->bits == 8 && inputs->symmetric && inputs->threshold == 0;
    if (weights->bits == 8 && perRow && perToken)
        return {"Int8DynamicActivationInt8WeightConfig()",
                versioned("Int8DynamicActivationInt8WeightConfig", 2,
                          {{"act_mapping_type", named("MappingType", "SYMMETRIC")},
                           {"granularity", versioned("PerRow", 1, {{"dim", -1}})},
                           {"reduce_range", false},
                           {"set_inductor_config", true},
                           {"weight_only_decode", false}})};
    if (weights->bits == 8 && perRow && !inputs)
        return {"Int8WeightOnlyConfig()", versioned("Int8WeightOnlyConfig", 2,
                                                    {{"group_size", nullptr},
                                                     {"granularity", versioned("PerRow", 1, {{"dim", -1}})},
                                                     {"set_inductor_config", true}})};
    const bool asymmetric = inputs && inputs->format == Format::integer && inputs->perToken() &&
                            inputs->bits == 8 && !inputs->symmetric;
    if (!weights->symmetric || weights->granularity == Granularity::per_tensor || (inputs && !asymmetric))
        return {};
    const bool grouped = weights->granularity == Granularity::per_group;
    const std::string bits = "int" + std::to_string(weights->bits), group = std::to_string(weights->group);
    const Json granularity = grouped ? versioned("PerGroup", 1, {{"group_size", weights->group}})
                                     : versioned("PerAxis", 1, {{"axis", 0}});
    const std::string shared = grouped ? "PerGroup(" + group + ")" : "PerAxis(0)";
    Json data{{inputs ? "weight_mapping_type" : "mapping_type", named("MappingType", "SYMMETRIC")},
              {inputs ? "weight_granularity" : "granularity", granularity},
              {"weight_dtype", named("torch.dtype", bits)},
              {inputs ? "weight_scale_dtype" : "scale_dtype", nullptr},
              {"intx_packing_format", named("IntxPackingFormat", "UNPACKED_TO_INT8")},
              {"intx_choose_qparams_algorithm", named("IntxChooseQParamsAlgorithm", "AFFINE")}};
    if (inputs) data["act_mapping_type"] = named("MappingType", "ASYMMETRIC");
    const char* name = inputs ? "Int8DynamicActivationIntxWeightConfig" : "IntxWeightOnlyConfig";
    return {std::string(name) + "(weight_dtype=torch." + bits + ", " +
                (inputs ? "weight_granularity=" : "granularity=") + shared + ")",
            versioned(name, 2, std::move(data))};
}

class TorchAo : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"torchao",
             "torchao configuration",
             "the scheme to load the original model with, where torchao has it; no weights",
             "transformers with torchao",
             {}},
            true};
        return info;
    }

    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        limitChoice(subject, plan, "they are rounded with the rest");
        needLinears(subject, plan);
        if (!subject.plan.transforms.empty())
            plan.limits.push_back({"smoothing, scaling and rotations", "the model as it is"});
        if (choiceFor(subject.plan).call.empty())
            plan.limits.push_back({"this recipe: torchao's configurations hold symmetric integer weights, "
                                   "int8 per output with int8 activations per token, "
                                   "or of any width in groups or per output, alone or with asymmetric int8 "
                                   "activations per token",
                                   ""});
        else if (subject.plan.activations && subject.plan.activations->symmetric &&
                 !subject.plan.activations->fullRange)
            plan.limits.push_back(
                {"levels=narrow", "one level more below, as levels=full-reciprocal has it"});
        limitLevels(subject, plan, true, "full-reciprocal");
        // absmax / 7.5 puts it at the middle between two levels; there, x · (1 / scale) is not x / scale.
        const auto& weights = subject.plan.weights;
        if (weights && weights->fullRange && !weights->reciprocal && weights->bits < 8)
            addLimit(plan,
                     "weights divided by their scale (levels=full), which puts the largest of a group "
                     "at the middle between two levels",
                     "weights multiplied by its reciprocal, which may take the other level, as "
                     "full-reciprocal does");
        if (!subject.recipe.bits.empty())
            plan.limits.push_back({"bits of single sites", "8 bits everywhere"});
        for (const Linear* linear : wholeLinears(subject))
            plan.left.push_back(linear->name);
        for (const Linear* linear : roundedLinears(subject)) {
            ExportedModule module;
            module.name = linear->name;
            module.group = "default";
            module.treatment = choiceFor(subject.plan).call;
            plan.modules.push_back(module);
        }
        const bool alike = isAlike(subject.plan);
        plan.expectedDifference =
            alike ? "sums in another order, about 1e-6; where that moves a value over the middle between two "
                    "levels, that value differs by one level"
                  : "torchao multiplies by a scale's reciprocal where this recipe divides (full-reciprocal "
                    "does as torchao): of the order of 1e-2, to be measured there";
        plan.loading = "```\npython load.py PATH_OR_NAME_OF_THE_MODEL\n```\n\n`quantization_config.json` is "
                       "the block that "
                       "config.json may hold.\n";
        plan.bytes = 8192;
        proveOnModel(subject, plan, "torchao", alike ? 1e-5 : 2e-2);
        return plan;
    }

    void write(const ExportSubject& subject, const Told&, const ExportPlan& plan,
               ExportFolder& out) const override {
        const Choice choice = choiceFor(subject.plan);
        const Json config{{"quant_method", "torchao"},
                          {"quant_type", {{"default", choice.config}}},
                          {"modules_to_not_convert", plan.left},
                          {"include_input_output_embeddings", false},
                          {"untie_embedding_weights", false}};
        out.write("quantization_config.json", config.dump(2) + "\n");
        out.write("load.py", loaderText(autoClassOf(subject) + ", TorchAoConfig",
                                        "TorchAoConfig(" + choice.call +
                                            ", modules_to_not_convert=" + Json(plan.left).dump() + ")",
                                        autoClassOf(subject), "",
                                        "import torch\nfrom torchao.quantization import PerAxis, PerGroup, " +
                                            choice.call.substr(0, choice.call.find('(')) + "\n"));
    }

private:
    // Whether the recipe puts values on levels to the last bit as torchao does.
    static bool isAlike(const Plan& plan) {
        return plan.weights && plan.weights->reciprocal &&
               (!plan.activations || plan.activations->reciprocal);
    }
};

const Registration<ExportFormat, TorchAo> registration;

} // namespace
} // namespace kurtoscope
