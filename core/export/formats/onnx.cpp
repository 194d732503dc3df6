// SPDX-License-Identifier: GPL-3.0-or-later
// The whole model as an ONNX graph: quantized linear layers as QuantizeLinear and DequantizeLinear around
// MatMul, which run times turn into integer products, kept channels as a second, small product beside.
#include "core/export/export_folder.h"
#include "core/export/model_files.h"
#include "core/export/onnx/onnx_model.h"
#include "core/export/onnx/rounding_nodes.h"
#include "core/export/text_parts.h"

#include <nlohmann/json.hpp>

#include <limits>
#include <set>

namespace kurtoscope {
namespace {

constexpr const char* fileName = "model.onnx";

class Onnx : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"onnx",
             "ONNX graph",
             "the whole model as a graph with QuantizeLinear and DequantizeLinear, kept channels as a "
             "product of their own",
             "ONNX Runtime, OpenVINO",
             {choiceOf("weights", "Weight integers",
                       "uint8: around 128, which every processor multiplies exactly; int8: around 0, faster "
                       "where there are "
                       "VNNI instructions, but ONNX Runtime's sums can saturate on those without",
                       "uint8", {"uint8", "int8"}),
              integerOf("external_mb", "External data from",
                        "MB of tensors from which on they stand in a file beside the graph; a graph alone "
                        "ends at 2 GB",
                        1500, 0, 1900)}},
            true};
        return info;
    }

    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        const std::string family = subject.model().info().architecture;
        if (!Registry<OnnxFamily>::instance().find(family))
            plan.limits.push_back({"a model of the family " + family, ""});
        if (subject.plan.ablation) plan.limits.push_back({"an ablation, which is no quantization", ""});
        if (subject.plan.cache)
            plan.limits.push_back({"a rounded cache of keys and values: the graph has no cache", ""});
        limitModelParts(subject, plan);
        limitSites(subject, plan);
        const auto& rule = subject.plan.weights;
        const bool integers = rule && rule->format == Format::integer;
        if (rule && !integers)
            plan.limits.push_back(
                {"weights stored in " +
                     std::string(rule->format == Format::fp16 ? "fp16" : "a narrow float format"),
                 "the same values as float32: the file gets no smaller"});
        if (integers && rule->bits < 8)
            plan.limits.push_back({"integers of " + std::to_string(rule->bits) + " bits packed",
                                   "the same levels in 8 bits each"});
        listModules(subject, integers, plan);
        if (subject.model().info().causal)
            plan.notes.push_back("The graph reads whole texts at once: it has no cache of keys and values.");
        else if (subject.folder.pooling != Pooling::none)
            plan.notes.push_back(
                "`sentence_embedding` is pooled as the model's folder says; it is not normalized.");
        plan.notes.push_back(
            "Batch and length are free; texts of different length are padded on the right, with 0 in "
            "`attention_mask`.");
        plan.notes.push_back(
            "OpenVINO left to itself rounds the inputs of products a second time, by ranges of 32 channels, "
            "where the processor has instructions for that: EXECUTION_MODE_HINT=ACCURACY keeps it from it.");
        plan.expectedDifference = "sums in another order, about 1e-6; where that moves a value over the "
                                  "middle between two levels, that value "
                                  "differs by one level";
        plan.loading = loading(subject);
        plan.checks = {{"onnxruntime", 1e-5}, {"openvino", 1e-5}};
        const auto& inputs = subject.plan.activations;
        if (inputs && inputs->format != Format::integer) {
            plan.notes.push_back(
                "OpenVINO leaves casts to narrow floats out: only ONNX Runtime runs this graph as it "
                "stands.");
            plan.checks.back().tolerance = std::numeric_limits<double>::infinity();
        }
        return plan;
    }

    void write(const ExportSubject& subject, const Told& told, const ExportPlan&,
               ExportFolder& out) const override {
        OnnxModel model(subject, told.text("weights") == "int8" ? OnnxWeights::int8 : OnnxWeights::uint8);
        out.tell("Building the graph", 0, -1);
        const std::string family = subject.model().info().architecture;
        Registry<OnnxFamily>::instance().get(family, "graph").build(model);
        model.graph().note("recipe", subject.recipe.toJson());
        model.graph().note("steps", nlohmann::json(model.steps()).dump());
        model.graph().note("model", subject.model().info().name);
        out.throwIfStopped();
        model.graph().write(fileName, std::int64_t(told.integer("external_mb")) * 1'000'000, out);
        out.write("config.json",
                  modelConfig(subject).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
        writeModelFiles(subject, out);
    }

private:
    // Sites whose rounding no standard operator can do, said once each.
    static void limitSites(const ExportSubject& subject, ExportPlan& plan) {
        if (!subject.arithmetic) return;
        const ModelInfo& info = subject.model().info();
        std::set<std::string> said;
        for (const Place place : info.places)
            for (int layer = 0; layer < (isPerLayer(place) ? info.layers : 1); ++layer) {
                const Site site{isPerLayer(place) ? layer : -1, place};
                const SiteRounding* rounding = subject.arithmetic->rounding(site);
                if (!rounding || subject.plan.cache) continue;
                const std::string limit = roundingLimit(*rounding, info.channels(place));
                if (!limit.empty() && said.insert(limit).second) plan.limits.push_back({limit, ""});
            }
    }

    static void listModules(const ExportSubject& subject, bool integers, ExportPlan& plan) {
        for (const NamedTensor& tensor : subject.model().tensors())
            plan.bytes += 4 * tensor.values.numel();
        for (const auto& linear : subject.model().linears()) {
            const bool rounded = subject.arithmetic && subject.arithmetic->roundedWeight(*linear);
            const SiteRounding* input =
                subject.arithmetic && !linear->head ? subject.arithmetic->rounding(linear->input) : nullptr;
            if (linear->head || (!rounded && !input)) {
                plan.left.push_back(linear->name);
                continue;
            }
            const int kept =
                static_cast<int>(subject.arithmetic->keptOf(subject.recipe, linear->input).size());
            const bool fused = input && rounded && integers && input->rule.format == Format::integer &&
                               !input->rule.dynamic && input->scales.empty() &&
                               subject.plan.weights->granularity != Granularity::per_group;
            ExportedModule module;
            module.name = linear->name;
            module.group = fused ? "integer product" : "float product of rounded values";
            module.treatment = std::string(rounded ? "rounded weights" : "float weights") + ", " +
                               (input ? "rounded inputs" : "float inputs");
            module.keptChannels = kept;
            plan.modules.push_back(module);
            if (rounded && integers)
                plan.bytes -= 3 * linear->weight.numel() - 4 * linear->weight.size(0) * (kept + 1);
        }
    }

    static std::string loading(const ExportSubject& subject) {
        const bool causal = subject.model().info().causal;
        std::string inputs = "{\"input_ids\": ids, \"attention_mask\": mask";
        if (!causal) inputs += ", \"token_type_ids\": types";
        inputs += "}";
        return "```python\nimport onnxruntime\nsession = onnxruntime.InferenceSession(\"model.onnx\")\n"
               "outputs = session.run(None, " +
               inputs +
               ")  # int64 arrays [batch, sequence]\n```\n\n"
               "```python\nimport openvino\nmodel = openvino.compile_model(\"model.onnx\", \"CPU\", "
               "{\"EXECUTION_MODE_HINT\": \"ACCURACY\"})\noutputs = model(" +
               inputs + ")\n```\n";
    }
};

const Registration<ExportFormat, Onnx> registration;

} // namespace
} // namespace kurtoscope
