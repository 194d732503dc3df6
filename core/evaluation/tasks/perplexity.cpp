// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/metrics.h"
#include "core/evaluation/task.h"

namespace kurtoscope {
namespace {

class Perplexity : public Task {
public:
    std::string_view id() const override { return "perplexity"; }
    std::string_view title() const override { return "Perplexity"; }
    std::string_view summary() const override {
        return "how well a language model predicts the next token of a text; lower is better";
    }
    std::string_view metric(const ModelInfo&) const override { return "perplexity"; }
    int preference() const override { return 10; }
    std::string refusal(const ModelInfo& model, DataKind kind) const override {
        if (!model.causal) return "the model does not predict next tokens";
        return kind == DataKind::text ? "" : "the file is a table, not a text";
    }

    void measure(const Window& window, const WindowOutput& output, WindowFigures& figures) const override {
        std::int64_t row = 0;
        for (int sequence = 0; sequence < window.batch.sequences; ++sequence) {
            const int length = window.batch.lengths[std::size_t(sequence)];
            std::vector<std::int64_t> next;
            for (int position = 1; position < length; ++position)
                next.push_back(window.batch.at(sequence, position));
            const at::Tensor target = at::tensor(next).to(output.logProbabilities.device());
            figures.nll -= output.logProbabilities.narrow(0, row, length - 1)
                               .gather(1, target.unsqueeze(1))
                               .sum(at::kDouble)
                               .item<double>();
            figures.predictions += length - 1;
            row += length;
        }
    }

    void score(std::span<const Window* const>, std::span<const WindowFigures> figures,
               std::span<const WindowFigures> baseline, Reading& reading) const override {
        std::vector<double> nll, base, count;
        for (std::size_t i = 0; i < figures.size(); ++i)
            nll.push_back(figures[i].nll), base.push_back(baseline[i].nll),
                count.push_back(figures[i].predictions);
        const Estimate mine = perplexity(nll, count), difference = perplexityDifference(nll, base, count);
        reading.metric = "perplexity";
        reading.lowerIsBetter = true;
        reading.score = mine.value, reading.standardError = mine.standardError;
        reading.pulls = mine.pulls;
        reading.perplexity = mine.value;
        reading.difference = difference.value, reading.differenceError = difference.standardError;
    }
};

const Registration<Task, Perplexity> registration;

} // namespace
} // namespace kurtoscope
