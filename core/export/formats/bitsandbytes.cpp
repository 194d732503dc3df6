// SPDX-License-Identifier: GPL-3.0-or-later
// A bitsandbytes configuration to load the original model with: no weights, no channels, one threshold.
#include "core/export/export_folder.h"
#include "core/export/model_files.h"
#include "core/export/text_parts.h"

#include <nlohmann/json.hpp>

#include <set>

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

class BitsAndBytes : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"bitsandbytes",
             "bitsandbytes configuration",
             "threshold and skipped modules to load the original model with; no weights",
             "transformers with bitsandbytes",
             {realOf("threshold", "Threshold",
                     "|x| from which on a channel stays out, found in each batch; a recipe of "
                     "llm-int8 brings its own",
                     "6", 0, 1e9)}},
            true};
        return info;
    }

    ExportPlan plan(const ExportSubject& subject, const Told& told) const override {
        ExportPlan plan;
        const Plan& recipe = subject.plan;
        const bool four = isFourBits(subject);
        limitChoice(subject, plan,
                    "channels that reach the threshold, found in each batch, with weights of int8 that are "
                    "turned back into floats");
        if (!recipe.transforms.empty())
            plan.limits.push_back({"smoothing, scaling and rotations", "the model as it is"});
        if (!recipe.weights || recipe.weights->format != Format::integer ||
            (recipe.weights->bits != 8 && !four))
            plan.limits.push_back({"other weights than 8-bit or 4-bit integers", ""});
        else if (four)
            plan.limits.push_back({"the levels of 4-bit integers", "NF4's levels in blocks of 64"});
        if (recipe.weights && recipe.weights->solver)
            plan.limits.push_back({"weights that were solved for", "weights to their nearest level"});
        limitLevels(subject, plan, false);
        const auto& activations = recipe.activations;
        if (four && activations)
            plan.limits.push_back({"rounded activations beside 4-bit weights", "activations as they are"});
        else if (!four && activations && !activations->perToken())
            plan.limits.push_back({"activation ranges of whole tensors", "each token's own, at run time"});
        else if (!four && !activations)
            plan.limits.push_back(
                {"activations in floating point beside int8 weights", "int8, each token with its own range"});
        if (!four && activations) limitInputs(*activations, plan);
        if (!four && activations && activations->threshold > 0 && !activations->outliersMeetRounded)
            plan.limits.push_back(
                {"the weights as they were for channels over the threshold, and these "
                 "channels wholly out of each token's range",
                 "int8 weights turned back into floats, and ranges in which what lies below "
                 "the threshold counts, as a recipe with outliers=bitsandbytes has them"});
        listModules(subject, four, plan);
        plan.expectedDifference = four ? "NF4's own levels: of the order of 1e-1, to be measured there"
                                       : "the library casts the inputs to 16 bits before it rounds them, "
                                         "which takes some values to the "
                                         "next level: up to 2 % of what each layer makes";
        plan.loading = "```\npython load.py PATH_OR_NAME_OF_THE_MODEL\n```\n\n`quantization_config.json` is "
                       "the block that "
                       "config.json may hold; `load.py` passes it to `from_pretrained`.\n";
        plan.bytes = 8192;
        (void)told;
        proveOnModel(subject, plan, "bitsandbytes", 2e-2);
        return plan;
    }

    void write(const ExportSubject& subject, const Told& told, const ExportPlan& plan,
               ExportFolder& out) const override {
        const bool four = isFourBits(subject);
        const auto& activations = subject.plan.activations;
        const double threshold =
            activations && activations->threshold > 0 && !told.given("threshold") ? activations->threshold
            : activations && activations->perToken() && !told.given("threshold")  ? 0
                                                                                  : told.real("threshold");
        Json config{{"quant_method", "bitsandbytes"}, {"load_in_8bit", !four}, {"load_in_4bit", four}};
        if (four) {
            config["bnb_4bit_quant_type"] = "nf4";
            config["bnb_4bit_compute_dtype"] = "bfloat16";
            config["bnb_4bit_use_double_quant"] = false;
        } else {
            config["llm_int8_threshold"] = threshold;
        }
        config["llm_int8_skip_modules"] = plan.left;
        config["llm_int8_enable_fp32_cpu_offload"] = false;
        config["llm_int8_has_fp16_weight"] = false;
        out.write("quantization_config.json", config.dump(2) + "\n");
        std::string words;
        for (const auto& [key, value] : config.items())
            if (key != "quant_method")
                words += "    " + key + "=" +
                         (value.is_boolean() ? (value.get<bool>() ? "True" : "False") : value.dump()) + ",\n";
        out.write("load.py", loaderText(autoClassOf(subject) + ", BitsAndBytesConfig",
                                        "BitsAndBytesConfig(\n" + words + ")", autoClassOf(subject),
                                        ", device_map=\"auto\""));
    }

private:
    static void limitInputs(const ActivationRule& rule, ExportPlan& plan) {
        const std::string nearest = "8-bit integers, ±127 in steps of absmax / 127";
        if (rule.format != Format::integer || rule.bits != 8)
            addLimit(plan, "activations of other numbers than 8-bit integers", nearest);
        else if (!rule.symmetric)
            addLimit(plan, "activations with a zero point", nearest);
        else if (rule.fullRange)
            addLimit(plan, "activations on −128 … 127 in steps of absmax / 127.5 (levels=full)", nearest);
    }

    static bool isFourBits(const ExportSubject& subject) {
        return subject.plan.weights && subject.plan.weights->format == Format::integer &&
               subject.plan.weights->bits == 4;
    }

    static void listModules(const ExportSubject& subject, bool four, ExportPlan& plan) {
        std::set<std::string> named; // query, key and value may be one module
        for (const Linear* linear : wholeLinears(subject))
            if (named.insert(loadedModule(*linear)).second) plan.left.push_back(loadedModule(*linear));
        for (const Linear* linear : roundedLinears(subject)) {
            if (!named.insert(loadedModule(*linear)).second) continue;
            ExportedModule module;
            module.name = loadedModule(*linear);
            module.group = four ? "Linear4bit" : "Linear8bitLt";
            module.treatment = four ? "NF4 weights, float activations"
                                    : "int8 weights per output, int8 activations per token";
            plan.modules.push_back(module);
        }
    }
};

const Registration<ExportFormat, BitsAndBytes> registration;

} // namespace
} // namespace kurtoscope
