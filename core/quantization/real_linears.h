// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/reading.h"
#include "core/engine/arithmetic.h"
#include "core/engine/weights.h"
#include "core/quantization/plan.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace kurtoscope {

class PackedBf16;
class PackedOnGpu;
class PackedLevels;
class PackedWeight;
struct SiteRounding;

// Packed weights that recipes share, by kind of number: those that treat a linear layer alike have one.
struct PackedWeights {
    std::map<std::string, std::weak_ptr<const PackedWeight>> integers;
    // The last of those that differ in nothing but the channels kept, and these.
    struct Latest {
        std::weak_ptr<const PackedWeight> weight;
        std::set<int> kept;
    };
    std::map<std::string, Latest> latestIntegers;
    std::map<std::string, std::weak_ptr<const PackedBf16>> bf16;
    std::map<std::string, std::weak_ptr<const PackedLevels>> levels;
    std::map<std::string, std::weak_ptr<const PackedOnGpu>> onGpu;
};

// A linear layer as a recipe treats it.
struct RealLayer {
    const Linear& linear;
    const WeightRule& rule;
    const SiteRounding* input; // null: left as it is
    const std::set<int>& kept;
    const std::string& key;              // names its weight
    const std::string& family;           // the same whatever is kept
    std::function<at::Tensor()> rounded; // the weight in float32, however its levels were found
};

// A recipe's linear layers multiplied in its own numbers, instead of a float32 product of rounded values.
// Weights are packed once; activations are turned into those numbers when a layer reads them, once for all
// that read the same tensor. One pass at a time.
class RealLinears {
public:
    virtual ~RealLinears() = default;
    virtual std::optional<Format> format() const = 0; // that products are made in; empty: float32
    virtual KernelTag tag() const = 0;
    // False where the layer's weights or its input's rounding are no such numbers.
    bool add(const RealLayer& layer, PackedWeights& store);
    bool has(const Linear& linear) const { return linears_.contains(&linear); }
    bool reads(Site input) const { return inputs_.contains(input); }
    // x [sequence, …, input], not yet rounded → [sequence, …, output], then what `then` says. `lengths`:
    // valid positions per sequence.
    virtual at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                                const Then& then) const = 0;
    // multiply() of several layers that read x, to the last bit; one by one where there is no faster way.
    virtual std::vector<at::Tensor> multiplyEach(const std::vector<const Linear*>& layers,
                                                 const at::Tensor& x, const std::vector<int>& lengths) const;
    // norm(x), and at once the numbers that the layers of `input` will multiply; undefined where there is no
    // such kernel. `alone`: nobody else reads it, and its values may be left unwritten.
    virtual at::Tensor normed(Site /*input*/, const at::Tensor& /*x*/, const NormStep& /*norm*/,
                              bool /*alone*/, const std::vector<int>& /*lengths*/) const {
        return {};
    }
    // Why a layer was refused, or is not multiplied in its own numbers after all; empty where there is
    // nothing to say.
    virtual std::string shortfall() const { return {}; }
    // Forgets what passes so far added to shortfall(): none of what they made is read any more.
    virtual void beginAnew() const {}
    virtual std::map<const void*, std::int64_t> heldBytes() const = 0; // of each packed weight

private:
    virtual bool pack(const RealLayer& layer, PackedWeights& store) = 0;
    virtual bool takes(const at::Tensor& weight) const { return weight.is_cpu(); }

    std::unordered_set<const Linear*> linears_;
    std::set<Site> inputs_;
};

// Stands for values that nobody reads, in no more memory than one of them; whoever does read them sees NaN.
at::Tensor unwritten(at::IntArrayRef shape, const at::TensorOptions& options);
// norm(x), where fitsNorm(): each row is shown to `onRow` as it is made, on several threads at once, and kept
// where `written`.
at::Tensor normRows(const at::Tensor& x, const NormStep& norm, bool written,
                    const std::function<void(const float* values, std::int64_t row)>& onRow);

// The kind that this processor, or the GPU that the weights lie on, multiplies a plan's numbers with; null
// where there is none.
std::unique_ptr<RealLinears> realLinearsFor(const Plan& plan, at::Device device);

} // namespace kurtoscope
