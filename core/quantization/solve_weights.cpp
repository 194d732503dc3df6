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

// What rounding a weight loses of its outputs' energy, beside what the nearest levels would.
std::string lossText(const Linear& linear, const at::Tensor& solved, const at::Tensor& gram,
                     const WeightRule& rule, const std::set<int>& kept) {
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
    return linear.name + text;
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
    // Rounded activations move the inputs of every later layer, so they belong to what a solution answers to.
    const std::string made =
        shaped_->weights + calibration.id() + recipe.text() + "/" + std::to_string(recipe.hash()) + "/";
    BlockStream stream(transformer, calibration, *this, stop);
    for (int layer = 0; layer < transformer.info().layers; ++layer) {
        Grams grams;
        stream.run(layer, false, [&](Site input, const at::Tensor& rows) { grams.add(input, rows); });
        for (const auto& linear : transformer.linears()) {
            if (linear->head || linear->input.layer != layer) continue;
            if (stop.stop_requested()) throw Cancelled();
            ++done;
            if (recipe.scope == Scope::linear_inputs && staysWhole(recipe, linear->input)) continue;
            const std::set<int> kept = keptOf(recipe, linear->input);
            const at::Tensor gram = grams.gram(linear->input);
            const auto solved = store.get(made + linear->name, [&] {
                if (!rule.solver->takes(linear->output.place)) {
                    WeightRule nearest = rule;
                    nearest.solver = nullptr;
                    return roundWeight(linear->weight, nearest, kept);
                }
                try {
                    return rule.solver->solve(linear->weight, gram, rule, kept, stop);
                } catch (const Error& error) {
                    throw Error(error.message(), linear->name, error.hint());
                }
            });
            weights_.emplace(linear.get(), solved);
            if (progress) progress({lossText(*linear, *solved, gram, rule, kept), done, total, -1});
        }
        if (layer + 1 < transformer.info().layers) stream.run(layer, true);
        for (const auto& linear : transformer.linears())
            if (linear->input.layer == layer && !linear->head) {
                WeightMemory::putAside(linear->weight);
                if (const auto solved = weights_.find(linear.get()); solved != weights_.end())
                    WeightMemory::putAside(*solved->second);
            }
    }
}

} // namespace kurtoscope
