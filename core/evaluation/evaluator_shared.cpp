// SPDX-License-Identifier: GPL-3.0-or-later
// An evaluation whose windows are shared by several processes: each runs every nth, and all learn every
// window's figures, from which the same readings follow as from one process.
#include "core/evaluation/evaluator.h"

#include "core/base/byte_stream.h"
#include "core/engine/ranks.h"

namespace kurtoscope {
namespace {

// One walk over what is kept of a window, to write and to read.
template <class Figures, class Visit>
void eachFigure(Figures& figures, Visit visit) {
    visit(figures.nll), visit(figures.predictions), visit(figures.values), visit(figures.kl);
    visit(figures.agreed), visit(figures.cosine), visit(figures.tokens);
    visit(figures.signal), visit(figures.noise);
}

void write(ByteWriter& to, const WindowFigures& figures) {
    eachFigure(figures, [&](const auto& value) { to.add(value); });
}

WindowFigures read(ByteReader& from) {
    WindowFigures figures;
    eachFigure(figures, [&](auto& value) { from.take(value); });
    return figures;
}

} // namespace

std::vector<std::vector<WindowFigures>>
Evaluator::sharedFigures(const std::vector<EvaluatedRecipe>& recipes, const std::vector<Column>& columns,
                         std::size_t total, Ranks& ranks, std::stop_token stop, const OnProgress& progress) {
    const auto size = std::size_t(ranks.size());
    ByteWriter mine;
    for (auto window = std::size_t(ranks.rank()); window < total; window += size) {
        if (progress) progress({"Evaluating", std::int64_t(window), std::int64_t(total), -1});
        const WindowOutput base = baseline(window, stop);
        write(mine, *baseline_.at(window));
        for (std::size_t r = 0; r < recipes.size(); ++r) {
            if (stop.stop_requested()) throw Cancelled();
            if (!recipes[r].arithmetic) continue;
            const WindowOutput output = forward(windows_.evaluation[window], columns[r], stop);
            WindowFigures one;
            task_.measure(windows_.evaluation[window], output, one);
            compareOutputs(base, output, one);
            write(mine, one);
        }
    }
    std::vector<std::vector<WindowFigures>> figures(recipes.size(), std::vector<WindowFigures>(total));
    const std::vector<std::string> parts = ranks.gather(mine.bytes());
    for (std::size_t rank = 0; rank < size; ++rank) {
        ByteReader from(parts[rank]);
        for (std::size_t window = rank; window < total; window += size) {
            baseline_.at(window) = read(from);
            for (std::size_t r = 0; r < recipes.size(); ++r)
                if (recipes[r].arithmetic) figures[r][window] = read(from);
        }
    }
    return figures;
}

} // namespace kurtoscope
