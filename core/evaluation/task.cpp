// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/task.h"

#include "core/evaluation/divergence.h"
#include "core/evaluation/metrics.h"

namespace kurtoscope {

template <>
Registry<Task>& Registry<Task>::instance() {
    static Registry<Task> registry;
    return registry;
}

const Task& pickTask(const std::string& asked, const ModelInfo& model, DataKind kind) {
    if (!asked.empty()) {
        const Task& task = Registry<Task>::instance().get(asked, "task");
        if (const std::string reason = task.refusal(model, kind); !reason.empty())
            throw Error("task " + asked + " does not fit: " + reason, "",
                        "Leave --task out to have the fitting one picked");
        return task;
    }
    const Task* best = nullptr;
    for (const auto& task : Registry<Task>::instance().members())
        if (task->refusal(model, kind).empty() && (!best || task->preference() > best->preference()))
            best = task.get();
    if (!best) throw Error("no task fits this model and file", "", "Give a text file");
    return *best;
}

double divergenceOf(const Reading& reading) {
    return reading.klMean ? *reading.klMean : 1 - reading.cosine.value_or(1);
}

std::string divergenceName(const ModelInfo& model) {
    return model.channels(Place::logits) > 0 ? "KL (nats)" : "1 − cosine";
}

void compareOutputs(const WindowOutput& baseline, const WindowOutput& output, WindowFigures& figures) {
    const at::Tensor& h = baseline.hidden;
    const at::Tensor cosines = at::cosine_similarity(h, output.hidden, 1, 1e-12);
    figures.cosine = cosines.sum(at::kDouble).item<double>();
    figures.tokens = double(h.size(0));
    figures.signal = h.square().sum(at::kDouble).item<double>();
    figures.noise = (h - output.hidden).square().sum(at::kDouble).item<double>();
    if (!output.logProbabilities.defined()) return;
    const at::Tensor &p = baseline.logProbabilities, &q = output.logProbabilities;
    if (p.is_cpu() && q.is_cpu() && p.scalar_type() == at::kFloat && q.scalar_type() == at::kFloat) {
        const at::Tensor a = p.contiguous(), b = q.contiguous();
        const std::size_t before = figures.kl.size();
        figures.kl.resize(before + std::size_t(a.size(0)));
        figures.agreed += double(compareDistributions(a.const_data_ptr<float>(), b.const_data_ptr<float>(),
                                                      a.size(0), a.size(1), figures.kl.data() + before));
        return;
    }
    constexpr std::int64_t rows = 32; // a piece stays in the cache between operators
    for (std::int64_t row = 0; row < p.size(0); row += rows) {
        const std::int64_t count = std::min(rows, p.size(0) - row);
        const at::Tensor lp = p.narrow(0, row, count), lq = q.narrow(0, row, count);
        const at::Tensor kl = (lp - lq).mul_(lp.exp()).sum(-1).clamp_min_(0).to(at::kCPU).contiguous();
        figures.kl.insert(figures.kl.end(), kl.const_data_ptr<float>(), kl.const_data_ptr<float>() + count);
        figures.agreed += lp.argmax(-1).eq(lq.argmax(-1)).sum().item<double>();
    }
}

void scoreFidelity(std::span<const WindowFigures> figures, Reading& reading) {
    double cosine = 0, tokens = 0, signal = 0, noise = 0, agreed = 0, klSum = 0;
    std::vector<double> kl;
    for (const auto& window : figures) {
        cosine += window.cosine, tokens += window.tokens, signal += window.signal, noise += window.noise;
        agreed += window.agreed;
        for (float value : window.kl)
            kl.push_back(value), klSum += value;
    }
    if (tokens > 0) {
        reading.cosine = cosine / tokens;
        reading.sqnrDb = 10 * std::log10(signal / noise); // ∞ when nothing differs
    }
    if (!kl.empty()) {
        reading.klMean = klSum / double(kl.size());
        reading.top1Agreement = agreed / double(kl.size());
        reading.klMedian = quantile(kl, 0.5);
        reading.klP99 = quantile(std::move(kl), 0.99);
    }
}

} // namespace kurtoscope
