// SPDX-License-Identifier: GPL-3.0-or-later
// What of a recipe is really multiplied in its own numbers, and what of it is not.
#include "core/engine/kernels/bf16_product.h"
#include "core/quantization/recipe_arithmetic.h"

namespace kurtoscope {

std::shared_ptr<const RecipeArithmetic>
RecipeArithmetic::withRealKernels(const Recipe& recipe, const Plan& plan, PackedWeights& store) const {
    const bool plain = !plan.cache && threshold_ == 0 && recipe.scope == Scope::linear_inputs;
    const at::Device device = model().linears().front()->weight.device();
    const bool attends = plan.bf16Attention && (device.is_cuda() || (device.is_cpu() && hasBf16Products()));
    std::shared_ptr<RealLinears> real = plain ? realLinearsFor(plan, device) : nullptr;
    const bool nothingElse = !plan.weights && !plan.activations && !plan.stored;
    if (!real && !(plain && attends && nothingElse)) return nullptr;
    for (const auto& linear : model().linears()) {
        const auto found = weights_.find(linear.get());
        if (!real || found == weights_.end()) continue; // an output head, or left in high precision
        const RoundedWeight& weight = found->second;
        if (!real->add({*linear, *plan.weights, rounding(linear->input), weight.kept, weight.name,
                        weight.family,
                        [&] {
                            return weight.tensor ? *weight.tensor
                                                 : roundWeight(linear->weight, *plan.weights, weight.kept);
                        }},
                       store)) {
            shortfall_ = real->shortfall();
            return nullptr;
        }
    }
    auto made = std::make_shared<RecipeArithmetic>(*this);
    made->kernels_ = real ? real->tag() : KernelTag::floating;
    made->real_ = std::move(real);
    made->reallyAttends_ = attends;
    return made;
}

AttentionNumbers RecipeArithmetic::attention(int layer) const {
    return !bf16Attention_ || wholeAttention_.contains(layer) ? AttentionNumbers::float32
           : reallyAttends_                                   ? AttentionNumbers::bf16
                                                              : AttentionNumbers::castToBf16;
}

std::string RecipeArithmetic::shortfall() const {
    if (!real_) return shortfall_;
    const std::string said = real_->shortfall();
    if (!bf16Attention_ || reallyAttends_) return said;
    return (said.empty() ? "" : said + "; ") +
           "attention in bfloat16 is simulated: this processor has no such products";
}

} // namespace kurtoscope
