// SPDX-License-Identifier: GPL-3.0-or-later
// The passes of an evaluation: where each begins, what it leaves behind, and what becomes of one that memory
// is too small for.
#include "core/evaluation/evaluator.h"

#include "core/engine/blocks.h"
#include "core/engine/device.h"

#include <algorithm>
#include <set>

namespace kurtoscope {
namespace {

// Sequences [begin, end) of a batch, as long as they were.
Batch part(const Batch& whole, int begin, int end) {
    Batch batch;
    batch.sequences = end - begin, batch.length = whole.length;
    const auto cut = [](const std::vector<int>& from, std::ptrdiff_t first, std::ptrdiff_t last) {
        return from.empty() ? from : std::vector<int>(from.begin() + first, from.begin() + last);
    };
    const std::ptrdiff_t first = std::ptrdiff_t(begin) * whole.length,
                         last = std::ptrdiff_t(end) * whole.length;
    batch.ids = cut(whole.ids, first, last);
    batch.typeIds = cut(whole.typeIds, first, last);
    batch.lengths = cut(whole.lengths, begin, end);
    batch.windows = cut(whole.windows, begin, end);
    return batch;
}

} // namespace

Evaluator::Column Evaluator::columnOf(const RecipeArithmetic* arithmetic) const {
    Column column;
    column.arithmetic = arithmetic;
    Trail trail = 0;
    for (const Step step : transformer_.steps())
        column.trail.push_back(trail = states_.after(trail, arithmetic ? arithmetic->deedsAt(step) : ""));
    return column;
}

// Every state of every column is worth keeping, but for FP32's own that no recipe shares and, in a sweep, a
// recipe's own after it left the common trail. As many as half of the room holds, spread over the depth: the
// other half is for what the run before left.
void Evaluator::chooseKept(Column& baseline, std::vector<Column>& columns, const EvaluatorOptions& options,
                           std::size_t windows) const {
    std::set<Trail> shared(baseline.trail.begin(), baseline.trail.end());
    if (options.sweepOf) {
        const Column whole = columnOf(options.sweepOf);
        shared.insert(whole.trail.begin(), whole.trail.end());
    }
    std::set<Trail> recipes, wanted;
    for (const Column& column : columns)
        if (column.arithmetic) recipes.insert(column.trail.begin(), column.trail.end());
    for (const Column& column : columns)
        for (std::size_t step = 1; step + 2 < column.trail.size(); ++step)
            if (column.arithmetic && (!options.sweepOf || shared.contains(column.trail[step])))
                wanted.insert(column.trail[step]);
    double bytes = 0; // of one state of every window
    for (std::size_t i = 0; i < windows; ++i)
        bytes += 4.0 * windows_.evaluation[i].batch.sequences * windows_.evaluation[i].batch.length *
                 transformer_.info().hidden;
    const double room = double(states_.budget() - std::max(states_.answerBytes(), states_.budget() / 4)) / 2;
    const auto stride =
        static_cast<std::size_t>(std::clamp(std::ceil(bytes * double(wanted.size()) / std::max(1.0, room)),
                                            1.0, std::max(1.0, transformer_.info().layers / 2.0)));
    const auto choose = [&](Column& column, bool own) {
        column.isKept.assign(column.trail.size(), false);
        for (std::size_t step = 1; step + 2 < column.trail.size(); ++step)
            column.isKept[step] = step % stride == 0 && (own || recipes.contains(column.trail[step])) &&
                                  (!options.sweepOf || shared.contains(column.trail[step]));
        column.isKept.back() =
            !own || !options.sweepOf; // what the head reads: another task asks for it again
    };
    choose(baseline, false);
    for (Column& column : columns)
        choose(column, true);
}

at::Tensor Evaluator::hidden(const Batch& batch, const Column& column, bool keep, std::stop_token stop) {
    const KeptStates::Window window = keep ? states_.window(batch) : 0;
    const Transformer& model = modelOf(column);
    const std::vector<Step> steps = model.steps();
    std::size_t next = keep ? steps.size() : 0;
    at::Tensor x;
    while (next > 0 && !(x = states_.find(window, column.trail[next - 1])).defined())
        --next;
    counts_.blocksReused += std::int64_t(std::clamp<std::size_t>(next, 1, steps.size() - 1) - 1);
    Pass pass(batch, device_, nullptr, column.arithmetic, std::move(stop));
    for (; next < steps.size(); ++next) {
        x = model.take(pass, steps[next], x);
        const bool block = next > 0 && next + 1 < steps.size();
        counts_.blocks += block, counts_.baselineBlocks += block && !column.arithmetic;
        if (keep && column.isKept[next]) states_.keep(window, column.trail[next], x);
    }
    return x;
}

at::Tensor Evaluator::logProbabilities(const Batch& batch, const Column& column, const at::Tensor& hidden,
                                       std::stop_token stop) const {
    Pass pass(batch, device_, nullptr, column.arithmetic, std::move(stop));
    const at::Tensor logits = modelOf(column).head(pass, hidden);
    if (!logits.defined()) return {};
    const at::Tensor rows = validRows(logits, batch);
    if (!rows.is_cpu() || !rows.is_contiguous()) return at::log_softmax(rows, -1);
    at::Tensor log = rows; // nobody else reads the logits, and a second table of a vocabulary takes its time
    at::_log_softmax_out(log, rows, -1, false);
    return log;
}

WindowOutput Evaluator::inParts(const Window& window, const Column& column, int parts, std::stop_token stop) {
    const Batch& whole = window.batch;
    std::vector<at::Tensor> hiddens, pooled, logs;
    for (int i = 0; i < parts; ++i) {
        const Batch batch = part(whole, whole.sequences * i / parts, whole.sequences * (i + 1) / parts);
        if (batch.sequences == 0) continue;
        const at::Tensor x = hidden(batch, column, parts == 1, stop);
        if (const at::Tensor log = logProbabilities(batch, column, x, stop); log.defined())
            logs.push_back(log);
        hiddens.push_back(validRows(x, batch));
        if (task_.needsPooled()) pooled.push_back(pool(x, batch.lengths, pooling_));
    }
    const auto joined = [](const std::vector<at::Tensor>& pieces) {
        return pieces.empty() ? at::Tensor() : pieces.size() == 1 ? pieces.front() : at::cat(pieces);
    };
    return {joined(hiddens), joined(pooled), joined(logs)};
}

WindowOutput Evaluator::forward(const Window& window, const Column& column, std::stop_token stop) {
    try {
        return inParts(window, column, std::min(parts_, window.batch.sequences), stop);
    } catch (const std::exception& failure) {
        if (!isOutOfMemory(failure) || parts_ > 1) throw;
    }
    states_.clear();
    PassMemory::giveBack();
    parts_ = 2;
    const int sequences = window.batch.sequences;
    if (onNote_)
        onNote_(sequences > 1 ? "Memory ran out: kept states were let go, and windows are run in halves of " +
                                    std::to_string((sequences + 1) / 2) + " sequences"
                              : "Memory ran out: kept states were let go, and the window is run again");
    return inParts(window, column, std::min(2, sequences), stop);
}

WindowOutput Evaluator::baseline(std::size_t index, std::stop_token stop) {
    const Window& window = windows_.evaluation[index];
    const KeptStates::Window name = states_.window(window.batch);
    const KeptStates::Trail answers = states_.after(plain_.trail.back(), "log-probabilities");
    WindowOutput output;
    const at::Tensor log = states_.find(name, answers), x = states_.find(name, plain_.trail.back());
    const bool headless = !transformer_.info().channels(Place::logits);
    if (x.defined() && (log.defined() || headless)) {
        counts_.blocksReused += transformer_.info().layers;
        output.hidden = validRows(x, window.batch);
        output.logProbabilities = log;
        if (task_.needsPooled()) output.pooled = pool(x, window.batch.lengths, pooling_);
    } else {
        output = forward(window, plain_, stop);
        if (output.logProbabilities.defined())
            states_.keep(name, answers, output.logProbabilities, KeptStates::Kind::answer);
    }
    if (std::optional<WindowFigures>& figures = baseline_.at(index); !figures) {
        figures.emplace();
        task_.measure(window, output, *figures);
        compareOutputs(output, output, *figures);
    }
    return output;
}

} // namespace kurtoscope
