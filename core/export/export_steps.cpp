// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/export_steps.h"

#include "core/export/export_check.h"
#include "core/export/export_folder.h"
#include "core/model/safetensors_writer.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

ExportSteps::Values valuesOf(const at::Tensor& x) {
    const at::Tensor plain = x.to(at::kCPU, at::kFloat).contiguous();
    const float* values = plain.const_data_ptr<float>();
    return {plain.sizes().vec(), {values, values + plain.numel()}};
}

// A recipe's arithmetic that keeps what passes through it.
class Recorded : public Arithmetic {
public:
    Recorded(const RecipeArithmetic& recipe, ExportSteps& steps, const std::set<std::string>& sites)
        : recipe_(recipe), steps_(steps), sites_(sites) {}
    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.value(site, x, batch);
    }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override {
        if (sites_.contains(site.name()))
            steps_.tensors["read." + site.name()] = valuesOf(recipe_.reshaped(site, x));
        return recipe_.operand(site, x, batch);
    }
    bool roundsHead() const override { return recipe_.roundsHead(); }
    AttentionNumbers attention(int layer) const override { return recipe_.attention(layer); }
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.cached(site, x, batch);
    }
    at::Tensor reshaped(Site input, const at::Tensor& x) const override { return recipe_.reshaped(input, x); }
    bool treats(Site site) const override { return recipe_.treats(site); }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override {
        at::Tensor made = recipe_.linear(linear, x, batch);
        if (steps_.reads.contains(linear.name)) steps_.tensors["made." + linear.name] = valuesOf(made);
        return made;
    }

private:
    const RecipeArithmetic& recipe_;
    ExportSteps& steps_;
    const std::set<std::string>& sites_;
};

std::map<std::string, const Linear*> layersOf(const ExportSubject& subject,
                                              const std::vector<ExportedModule>& modules) {
    std::map<std::string, const Linear*> found;
    for (const auto& linear : subject.model().linears())
        for (const ExportedModule& module : modules)
            if (module.name == linear->name) found[module.name] = linear.get();
    return found;
}

std::vector<float> readValues(const StoredTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    dequantize(tensor, values);
    return values;
}

double differenceOf(const StoredTensor& expected, const StoredTensor* got) {
    constexpr double none = std::numeric_limits<double>::infinity();
    if (!got || got->elements() != expected.elements()) return none;
    const std::vector<float> ours = readValues(expected), theirs = readValues(*got);
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const double off = double(theirs[i]) - double(ours[i]);
        apart += off * off;
        size += double(ours[i]) * double(ours[i]);
    }
    const double difference = std::sqrt(apart) / std::max(std::sqrt(size), 1e-30);
    return std::isfinite(difference) ? difference : none;
}

} // namespace

ExportSteps makeSteps(const ExportSubject& subject, const std::vector<ExportedModule>& modules,
                      const std::vector<int>& ids, c10::Device device, std::stop_token stop) {
    ExportSteps steps;
    if (!subject.arithmetic || ids.empty()) return steps;
    std::set<std::string> sites;
    for (const auto& [name, linear] : layersOf(subject, modules)) {
        steps.reads[name] = linear->input.name();
        sites.insert(linear->input.name());
    }
    if (sites.empty()) return steps;
    steps.ids = ids;
    const Recorded recorded(*subject.arithmetic, steps, sites);
    steps.tensors["answer"] = valuesOf(answerTo(ids, subject, device, &recorded, stop));
    return steps;
}

std::int64_t stepsBytes(const ExportSubject& subject, const std::vector<ExportedModule>& modules,
                        std::size_t tokens) {
    std::set<Site> sites;
    std::int64_t channels = 0;
    for (const auto& [name, linear] : layersOf(subject, modules)) {
        channels += linear->weight.size(0);
        if (sites.insert(linear->input).second) channels += linear->weight.size(1);
    }
    return 4 * channels * static_cast<std::int64_t>(tokens);
}

void ExportSteps::write(ExportFolder& out) const {
    std::vector<TensorToWrite> written;
    for (const auto& [name, one] : tensors)
        written.push_back({name, one.shape, one.values});
    out.throwIfStopped();
    writeSafetensors(out.file(stepsName), written);
}

nlohmann::ordered_json ExportSteps::json() const {
    return {{"ids", ids}, {"tensors", stepsName}, {"reads", reads}};
}

StepsResult compareSteps(const fs::path& expected, const fs::path& got) {
    const auto ours = TensorFile::openSafetensors(expected), theirs = TensorFile::openSafetensors(got);
    StepsResult result;
    for (const StoredTensor& tensor : ours->tensors()) {
        const double difference = differenceOf(tensor, theirs->find(tensor.name));
        if (result.where.empty() || difference > result.difference)
            result.difference = difference, result.where = tensor.name;
        ++result.tensors;
    }
    return result;
}

} // namespace kurtoscope
