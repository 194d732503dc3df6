// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/transformer.h"
#include "core/quantization/rounding.h"
#include "core/quantization/scheme.h"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace kurtoscope {

// Quantized weights shared between recipes that treat a linear layer alike; an entry lives as long as some
// recipe uses it.
class WeightStore {
public:
    // `weight` rounded by `rule`, except `kept` columns, which stay as they are and out of the ranges.
    std::shared_ptr<const at::Tensor> rounded(const Linear& linear, const WeightRule& rule,
                                              const std::set<int>& kept);

private:
    std::map<std::string, std::weak_ptr<const at::Tensor>> entries_;
};

struct Storage {
    std::int64_t bytes = 0; // all parameters as the recipe would store them, scales and kept columns included
    double effectiveBits = 32; // per weight of the linear layers, heads left out
};

// Kept columns over the linear layers' inputs, a site counted once for each layer that reads it.
struct KeptCount {
    std::size_t kept = 0, of = 0;
};

// A recipe made ready for one transformer: rules per site, rounded weights. Simulated: quantize–dequantize in
// float32.
class RecipeArithmetic : public Arithmetic {
public:
    // `calibration` may be null where nothing static is asked for. Throws Error.
    RecipeArithmetic(const Transformer& transformer, const Recipe& recipe, const Observation* calibration,
                     WeightStore& store, std::stop_token stop = {}); // Cancelled between linear layers

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override;
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override;
    bool treats(Site site) const override {
        return scope_ == Scope::all_activations && rules_.contains(site);
    }
    at::Tensor linear(const Linear& linear, const at::Tensor& x) const override;

    KernelTag kernels() const { return kernels_; }
    Storage storage() const { return storage_; }
    KeptCount keptCount() const { return kept_; }

    static bool
    needsCalibration(const Recipe& recipe); // static ranges, or a keep criterion still to be resolved
    // Sites whose tensors the recipe puts on a grid, in forward order.
    static std::vector<Site> quantizedSites(const Transformer& transformer, const Recipe& recipe);
    // The static grid of a site, or the one a dynamic rule would take for values that span the statistics.
    static Grid gridFor(const ActivationRule& rule, const SiteStats& stats, const std::set<int>& kept);

private:
    struct SiteRule {
        ActivationRule rule;
        Grid grid;                        // static rules only
        std::vector<std::int32_t> inlier; // empty: no channel is kept
    };
    at::Tensor apply(const SiteRule& rule, const at::Tensor& x, const Batch& batch) const;

    Scope scope_;
    KernelTag kernels_;
    std::unordered_map<Site, SiteRule> rules_;
    std::unordered_map<const Linear*, std::shared_ptr<const at::Tensor>> weights_;
    Storage storage_;
    KeptCount kept_;
};

// x put on its grid: the fused kernel on the CPU, and the same in plain tensor operators anywhere (the
// reference that the kernel is tested against). x is [sequence, …, channel]; `lengths` are valid positions
// per sequence.
at::Tensor roundActivation(const at::Tensor& x, const ActivationRule& rule, const Grid& grid,
                           const std::vector<std::int32_t>& inlier, const std::vector<int>& lengths);
at::Tensor roundActivationReference(const at::Tensor& x, const ActivationRule& rule, const Grid& grid,
                                    const std::vector<std::int32_t>& inlier, const std::vector<int>& lengths);

} // namespace kurtoscope
