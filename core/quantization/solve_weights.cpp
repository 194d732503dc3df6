// SPDX-License-Identifier: GPL-3.0-or-later
// Weights that are solved for, block by block: each block sees what the rounded ones before it make of the
// calibration text.
#include "core/quantization/block_stream.h"
#include "core/quantization/recipe_arithmetic.h"

#include "core/base/error.h"
#include "core/quantization/weight_solver.h"

#include <cstdio>

namespace kurtoscope {
namespace {

// What rounding a weight loses of its outputs' energy, beside what the nearest levels would. Over fewer rows
// than the layer has inputs that is no loss to go by: the solution answers to those rows alone.
std::string lossText(const Linear& linear, const at::Tensor& solved, const at::Tensor& gram,
                     std::int64_t rows, const WeightRule& rule, const std::set<int>& kept) {
    const double whole = outputEnergy(linear.weight, gram);
    if (!(whole > 0)) return linear.name + ": its inputs are all zero";
    WeightRule plain = rule;
    plain.solver = nullptr;
    const double lost = outputEnergy(solved - linear.weight, gram) / whole,
                 nearest =
                     outputEnergy(roundWeight(linear.weight, plain, kept) - linear.weight, gram) / whole;
    char text[96];
    std::snprintf(text, sizeof text, ": output error %.3g %% (to nearest %.3g %%)", 100 * lost,
                  100 * nearest);
    const std::int64_t inputs = linear.weight.size(1);
    const std::string few = rows >= inputs ? ""
                                           : ", but " + std::to_string(rows) +
                                                 " calibration tokens are too few for its " +
                                                 std::to_string(inputs) + " inputs";
    return linear.name + text + few;
}

} // namespace

void RecipeArithmetic::solveWeights(const Recipe& recipe, const Plan& plan, CalibrationSet& calibration,
                                    WeightStore& store, std::stop_token stop, const OnProgress& progress) {
    const Transformer& transformer = model();
    const WeightRule& rule = *plan.weights;
    std::int64_t total = 0, done = 0;
    for (const auto& linear : transformer.linears())
        total += !linear->head;
    if (progress) progress({"Solving for weights", 0, total, -1});
    // What was done to the text before a layer, its own activations included, is what a solution answers to:
    // after a change at one layer the solutions before it still stand.
    std::string past = store.shortened(shaped_->weights + calibration.id() + deedsAt({Step::embedding}));
    BlockStream stream(transformer, calibration, *this, stop);
    for (int layer = 0; layer < transformer.info().layers; ++layer) {
        const std::string here = store.shortened(past + deedsAt({layer}));
        std::vector<std::pair<Linear*, RoundedWeight>> open;
        bool known = true;
        for (const auto& linear : transformer.linears()) {
            if (linear->head || linear->input.layer != layer) continue;
            if (recipe.scope == Scope::linear_inputs && staysWhole(recipe, linear->input)) {
                ++done;
                continue;
            }
            RoundedWeight weight(here + linear->name + "/" + rule.key(), keptOf(recipe, linear->input));
            known &= store.has(weight.name);
            open.emplace_back(linear.get(), std::move(weight));
        }
        Grams grams;
        if (!known)
            stream.run(layer, false, [&](Site input, const at::Tensor& rows) { grams.add(input, rows); });
        for (auto& [linear, weight] : open) {
            if (stop.stop_requested()) throw Cancelled();
            ++done;
            const bool before = store.has(weight.name);
            weight.tensor = store.get(weight.name, [&] {
                if (!rule.solver->takes(linear->output.place)) {
                    WeightRule nearest = rule;
                    nearest.solver = nullptr;
                    return roundWeight(linear->weight, nearest, weight.kept);
                }
                try {
                    return rule.solver->solve(linear->weight, grams.gram(linear->input), rule, weight.kept,
                                              stop);
                } catch (const Error& error) {
                    throw Error(error.message(), linear->name, error.hint());
                }
            });
            if (progress)
                progress({before ? linear->name + ": as it was solved before"
                                 : lossText(*linear, *weight.tensor, grams.gram(linear->input), stream.rows(),
                                            rule, weight.kept),
                          done, total, -1});
            weights_.emplace(linear, std::move(weight));
        }
        past = store.shortened(past + deedsAt({layer}));
        if (layer + 1 < transformer.info().layers) stream.run(layer, true);
        for (const auto& linear : transformer.linears())
            if (linear->input.layer == layer && !linear->head) {
                WeightMemory::putAside(linear->weight);
                if (const auto solved = weights_.find(linear.get()); solved != weights_.end())
                    WeightMemory::putAside(*solved->second.tensor);
            }
    }
}

} // namespace kurtoscope
