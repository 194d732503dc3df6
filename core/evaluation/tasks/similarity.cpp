// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/metrics.h"
#include "core/evaluation/task.h"

namespace kurtoscope {
namespace {

class Similarity : public Task {
public:
    std::string_view id() const override { return "similarity"; }
    std::string_view title() const override { return "Similarity"; }
    std::string_view summary() const override {
        return "rank correlation of embeddings' cosines with people's scores of sentence pairs";
    }
    std::string_view metric(const ModelInfo&) const override { return "spearman"; }
    int preference() const override { return 20; }
    std::string refusal(const ModelInfo&, DataKind kind) const override {
        return kind == DataKind::similarity ? "" : "the file is not a table of scored sentence pairs";
    }
    bool needsPooled() const override { return true; }

    void measure(const Window& window, const WindowOutput& output, WindowFigures& figures) const override {
        const std::int64_t pairs = window.rows();
        const at::Tensor cosine =
            at::cosine_similarity(output.pooled.narrow(0, 0, pairs), output.pooled.narrow(0, pairs, pairs), 1)
                .to(at::kCPU, at::kDouble);
        for (std::int64_t pair = 0; pair < pairs; ++pair)
            figures.values.push_back(cosine[pair].item<double>());
    }

    void score(std::span<const Window* const> windows, std::span<const WindowFigures> figures,
               std::span<const WindowFigures> baseline, Reading& reading) const override {
        std::vector<double> mine, theirs, truth;
        for (std::size_t i = 0; i < figures.size(); ++i) {
            mine.insert(mine.end(), figures[i].values.begin(), figures[i].values.end());
            theirs.insert(theirs.end(), baseline[i].values.begin(), baseline[i].values.end());
            truth.insert(truth.end(), windows[i]->truth.begin(), windows[i]->truth.end());
        }
        const Estimate rank = spearmanEstimate(mine, truth),
                       difference = spearmanDifference(mine, theirs, truth);
        reading.metric = "spearman";
        reading.score = rank.value, reading.standardError = rank.standardError;
        reading.pulls = rank.pulls;
        reading.pearson = pearson(mine, truth);
        reading.difference = difference.value, reading.differenceError = difference.standardError;
    }
};

const Registration<Task, Similarity> registration;

} // namespace
} // namespace kurtoscope
