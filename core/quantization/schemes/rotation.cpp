// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transforms/rotate.h"
#include "core/quantization/uniform_parameters.h"

namespace kurtoscope {
namespace {

class RotationScheme : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info = [] {
            SchemeInfo made{
                "rotation",
                "Rotation",
                "channels mixed by an orthogonal matrix, so that outliers spread over all of them",
                "Ashkboos et al. 2024, QuaRot, arXiv 2404.00456",
                {choiceOf("where", "Where",
                          "residual: the residual stream, folded into the weights (pre-norm models); inputs: "
                          "every "
                          "linear input, at run time; auto: residual where the model allows it",
                          "auto", {"auto", "residual", "inputs"}),
                 choiceOf("kind", "Kind", "a Hadamard matrix with random signs, or any orthogonal matrix",
                          "hadamard", {"hadamard", "random"}),
                 switchOf(
                     "online", "Online",
                     "also turn the inputs of attention's projection and of the second feed-forward layer",
                     true),
                 integerOf("seed", "Seed", "of signs and random matrices", 0, 0, 1'000'000)}};
            for (auto& parameter : UniformParameters::both({{"activation", "per-token"}}))
                made.parameters.push_back(std::move(parameter));
            return made;
        }();
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        for (const auto& earlier : plan.transforms)
            if (earlier->scalesChannels())
                throw Error(
                    "what scales single channels before a rotation is undone by it: the rotation mixes them",
                    "", "Put rotation first in the recipe");
        const std::string where = told.text("where");
        plan.transforms.push_back(std::make_shared<Rotate>(where == "residual" ? Rotate::Where::residual
                                                           : where == "inputs" ? Rotate::Where::inputs
                                                                               : Rotate::Where::automatic,
                                                           told.text("kind") == "random", told.on("online"),
                                                           std::uint64_t(told.integer("seed"))));
        UniformParameters::claim(info().id, told, plan, Plan::Claim::fallback);
    }
};

const Registration<Scheme, RotationScheme> registration;

} // namespace
} // namespace kurtoscope
