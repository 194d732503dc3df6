// SPDX-License-Identifier: GPL-3.0-or-later
// Weights that are solved for, block by block: each block sees what the rounded ones before it make of the
// calibration text.
#include "core/quantization/recipe_arithmetic.h"

#include "core/base/error.h"
#include "core/quantization/weight_solver.h"

namespace kurtoscope {
namespace {

// Σ xᵀx over the rows that each linear input of one block sees, through the recipe's own arithmetic.
class GramTap : public Arithmetic {
public:
    GramTap(const Arithmetic& recipe, int layer) : recipe_(recipe), layer_(layer) {}

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.value(site, x, batch);
    }
    bool treats(Site site) const override { return recipe_.treats(site); }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override {
        const at::Tensor y = recipe_.operand(site, x, batch);
        if (site.layer != layer_) return y;
        for (int sequence = 0; sequence < batch.sequences; ++sequence) {
            const std::int64_t valid = batch.lengths[std::size_t(sequence)];
            const at::Tensor rows = y.select(0, sequence).narrow(0, 0, valid);
            at::Tensor& gram = grams_[site];
            const at::Tensor product = at::matmul(rows.t(), rows);
            gram = gram.defined() ? gram.add_(product) : product;
            rows_[site] += valid;
        }
        return y;
    }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.linear(linear, x, batch);
    }

    at::Tensor gram(Site site) const {
        const auto found = grams_.find(site);
        return found == grams_.end() ? at::Tensor() : found->second / double(rows_.at(site));
    }

private:
    const Arithmetic& recipe_;
    int layer_;
    mutable std::map<Site, at::Tensor> grams_;
    mutable std::map<Site, std::int64_t> rows_;
};

} // namespace

void RecipeArithmetic::solveWeights(const Recipe& recipe, const Plan& plan, CalibrationSet& calibration,
                                    WeightStore& store, std::stop_token stop, const OnProgress& progress) {
    const Transformer& transformer = model();
    const WeightRule& rule = *plan.weights;
    std::vector<at::Tensor> inputs; // of the block, one for each batch
    for (const Batch& batch : calibration.batches()) {
        Pass pass(batch, calibration.device(), nullptr, this, stop);
        inputs.push_back(transformer.embed(pass));
    }
    std::int64_t total = 0, done = 0;
    for (const auto& linear : transformer.linears())
        total += !linear->head;
    // Rounded activations move the inputs of every later layer, so they belong to what a solution answers to.
    const std::string made = shaped_->key + recipe.text() + "/" + std::to_string(recipe.hash()) + "/";
    for (int layer = 0; layer < transformer.info().layers; ++layer) {
        std::vector<std::shared_ptr<Linear>> mine;
        for (const auto& linear : transformer.linears())
            if (!linear->head && linear->input.layer == layer) mine.push_back(linear);
        GramTap tap(*this, layer);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            Pass pass(calibration.batches()[i], calibration.device(), nullptr, &tap, stop);
            if (stop.stop_requested()) throw Cancelled();
            transformer.block(pass, layer, inputs[i]);
        }
        for (const auto& linear : mine) {
            if (stop.stop_requested()) throw Cancelled();
            if (progress) progress({"Solving " + linear->name, done++, total, -1});
            if (recipe.scope == Scope::linear_inputs && staysWhole(recipe, plan, linear->input)) continue;
            const std::set<int> kept = keptOf(recipe, linear->input);
            weights_.emplace(linear.get(), store.get(made + linear->name, [&] {
                return rule.solver->solve(linear->weight, tap.gram(linear->input), rule, kept);
            }));
        }
        if (layer + 1 == transformer.info().layers) break;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            Pass pass(calibration.batches()[i], calibration.device(), nullptr, this, stop);
            inputs[i] = transformer.block(pass, layer, inputs[i]);
        }
    }
}

} // namespace kurtoscope
