// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers to colour the nodes of Google's Model Explorer with, one file for each figure. The keys are the
// names that the ONNX export gives the products of linear layers.
#include "core/export/export_folder.h"
#include "core/export/linear_statistics.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace kurtoscope {
namespace {

using Json = nlohmann::ordered_json;

struct Figure {
    const char *file, *name;
    double (*value)(const LinearStatistics&);
};

constexpr Figure figures[] = {
    {"largest.json", "largest |x| at the input",
     [](const LinearStatistics& s) { return double(s.input->siteAbsmax); }},
    {"max_to_median.json", "largest channel over median channel",
     [](const LinearStatistics& s) { return s.input->maxToMedian; }},
    {"kurtosis.json", "kurtosis (Pearson, a Gaussian has 3)",
     [](const LinearStatistics& s) { return s.input->siteKurtosis; }},
    {"kept.json", "kept channels", [](const LinearStatistics& s) { return double(s.kept); }},
};

class ModelExplorer : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"model-explorer",
             "Model Explorer node data",
             "outlier figures of every linear layer's input, as colours for the graph of the ONNX export",
             "Model Explorer with its ONNX adapter",
             {}},
            false};
        return info;
    }
    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        needText(subject, plan);
        plan.limits.push_back(
            {"the recipe and the weights", "export the graph with --format onnx beside it"});
        plan.expectedDifference = onlyNumbers;
        plan.bytes = std::int64_t(subject.base.linears().size()) * 4 * 128;
        plan.loading = "```\nmodel-explorer model.onnx --extensions=model_explorer_onnx\n```\n\n"
                       "Then **Load node data** and choose one of the files here. Each colours the products "
                       "(`…/product`) of the graph that `--format onnx` writes.\n";
        return plan;
    }
    void write(const ExportSubject& subject, const Told&, const ExportPlan&,
               ExportFolder& out) const override {
        const Observation seen = subject.observe(false);
        const auto statistics = linearStatistics(subject, seen);
        for (const Figure& figure : figures) {
            Json results = Json::object();
            for (const LinearStatistics& one : statistics)
                if (const double value = figure.value(one); std::isfinite(value))
                    results[one.linear->name + "/product"] = {{"value", value}};
            const Json data{
                {"name", figure.name},
                {"results", results},
                {"gradient", {{{"stop", 0}, {"bgColor", "#ffffff"}}, {{"stop", 1}, {"bgColor", "#d9480f"}}}}};
            out.write(figure.file, data.dump(1) + "\n");
        }
    }
};

const Registration<ExportFormat, ModelExplorer> registration;

} // namespace
} // namespace kurtoscope
