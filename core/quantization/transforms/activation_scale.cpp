// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transforms/activation_scale.h"

#include "core/base/error.h"
#include "core/engine/weight_memory.h"
#include "core/quantization/block_stream.h"
#include "core/quantization/round_weight.h"

#include <cstdio>

namespace kurtoscope {
namespace {

constexpr int steps = 20;

at::Tensor divisorOf(const at::Tensor& magnitude, double alpha) {
    const at::Tensor scale = magnitude.clamp_min(1e-4).pow(alpha);
    return scale / (scale.max() * scale.min()).sqrt();
}

double errorUnder(const Workpiece& piece, Site input, const at::Tensor& gram, const at::Tensor& divisor,
                  const WeightRule& rule) {
    double error = 0;
    for (const auto& linear : piece.readers(input)) {
        const at::Tensor rounded = roundWeight(linear->weight * divisor, rule, {}) / divisor;
        error += outputEnergy(rounded - linear->weight, gram);
    }
    return error;
}

} // namespace

std::string ActivationScale::key(const Plan& plan) const {
    return "awq " +
           (alpha_ ? std::to_string(*alpha_) : "search " + (plan.weights ? plan.weights->key() : ""));
}

void ActivationScale::apply(Workpiece& piece, const Plan& plan, CalibrationSet* calibration,
                            const std::string&, std::stop_token stop, const OnProgress& progress) const {
    piece.own();
    const PieceArithmetic plain(piece);
    BlockStream stream(piece.model(), *calibration, plain, stop);
    const std::vector<Site> inputs = piece.inputs();
    std::int64_t done = 0;
    for (int layer = 0; layer < piece.model().info().layers; ++layer) {
        Grams grams;
        stream.run(layer, true, [&](Site input, const at::Tensor& rows) { grams.add(input, rows); });
        for (Site input : inputs) {
            if (input.layer != layer || !grams.has(input)) continue;
            if (stop.stop_requested()) throw Cancelled();
            const at::Tensor magnitude = piece.foldable(input, grams.meanMagnitude(input));
            double best = alpha_.value_or(0), least = INFINITY, nearest = 0;
            if (!alpha_ && plan.weights) {
                const at::Tensor gram = grams.gram(input);
                for (int step = 0; step < steps; ++step) {
                    const double alpha = double(step) / steps,
                                 error = errorUnder(piece, input, gram, divisorOf(magnitude, alpha),
                                                    *plan.weights);
                    if (step == 0) nearest = error;
                    if (error < least) least = error, best = alpha;
                }
            }
            piece.divideInput(input, divisorOf(magnitude, best));
            char text[96];
            std::snprintf(text, sizeof text, ": scaled with α = %.2f, output error %.3g of nearest levels'",
                          best, nearest > 0 ? least / nearest : 1.0);
            if (progress) progress({input.name() + text, ++done, std::int64_t(inputs.size()), -1});
            for (const auto& linear : piece.readers(input))
                WeightMemory::putAside(linear->weight);
        }
    }
}

} // namespace kurtoscope
