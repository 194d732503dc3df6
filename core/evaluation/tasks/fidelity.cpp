// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/metrics.h"
#include "core/evaluation/task.h"

namespace kurtoscope {
namespace {

// Any text, no labels: how far a recipe's answers are from FP32's. Models with a head are scored by the KL
// divergence of their output distributions, embedding models by the cosine of their final hidden states.
class Fidelity : public Task {
public:
    std::string_view id() const override { return "fidelity"; }
    std::string_view title() const override { return "Fidelity"; }
    std::string_view summary() const override {
        return "divergence of outputs from FP32 on any text; needs no labels";
    }
    std::string_view metric(const ModelInfo& model) const override {
        return model.channels(Place::logits) > 0 ? "kl" : "cosine";
    }
    int preference() const override { return 1; }
    std::string refusal(const ModelInfo&, DataKind) const override { return ""; }
    void measure(const Window&, const WindowOutput&, WindowFigures&) const override {
    } // compareOutputs() does it all

    void score(std::span<const Window* const>, std::span<const WindowFigures> figures,
               std::span<const WindowFigures>, Reading& reading) const override {
        std::vector<double> sums, counts;
        bool heads = false;
        for (const auto& window : figures)
            heads |= !window.kl.empty();
        for (const auto& window : figures) {
            double kl = 0;
            for (float value : window.kl)
                kl += value;
            sums.push_back(heads ? kl : window.cosine);
            counts.push_back(heads ? double(window.kl.size()) : window.tokens);
        }
        const Estimate mine = ratio(sums, counts);
        reading.metric = heads ? "kl" : "cosine";
        reading.lowerIsBetter = heads;
        reading.score = mine.value, reading.standardError = mine.standardError;
        reading.pulls = mine.pulls;
        reading.difference = mine.value - (heads ? 0 : 1); // FP32 against itself: KL 0, cosine 1
        reading.differenceError = mine.standardError;
    }
};

const Registration<Task, Fidelity> registration;

} // namespace
} // namespace kurtoscope
