// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/metrics.h"
#include "core/evaluation/task.h"

namespace kurtoscope {
namespace {

class Classification : public Task {
public:
    std::string_view id() const override { return "classification"; }
    std::string_view title() const override { return "Classification"; }
    std::string_view summary() const override {
        return "share of labelled sentences that a sequence classifier gets right";
    }
    std::string_view metric(const ModelInfo&) const override { return "accuracy"; }
    int preference() const override { return 20; }
    std::string refusal(const ModelInfo& model, DataKind kind) const override {
        if (kind != DataKind::classification) return "the file is not a table of sentences and labels";
        return model.labels.empty() ? "the model has no sequence classifier" : "";
    }

    void measure(const Window& window, const WindowOutput& output, WindowFigures& figures) const override {
        const at::Tensor picked = output.logProbabilities.argmax(-1).to(at::kCPU);
        for (int row = 0; row < window.rows(); ++row)
            figures.values.push_back(picked[row].item<std::int64_t>() ==
                                     static_cast<std::int64_t>(window.truth[std::size_t(row)]));
    }

    void score(std::span<const Window* const>, std::span<const WindowFigures> figures,
               std::span<const WindowFigures> baseline, Reading& reading) const override {
        std::vector<double> mine, theirs;
        for (std::size_t i = 0; i < figures.size(); ++i) {
            mine.insert(mine.end(), figures[i].values.begin(), figures[i].values.end());
            theirs.insert(theirs.end(), baseline[i].values.begin(), baseline[i].values.end());
        }
        const std::vector<double> each(mine.size(), 1.0);
        const Estimate right = ratio(mine, each);
        const Estimate difference = pairedDifference(mine, theirs);
        reading.metric = "accuracy";
        reading.score = right.value, reading.standardError = right.standardError;
        reading.pulls = right.pulls;
        reading.difference = difference.value, reading.differenceError = difference.standardError;
    }
};

const Registration<Task, Classification> registration;

} // namespace
} // namespace kurtoscope
