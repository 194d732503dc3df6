// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "core/data/model_info.h"
#include "core/engine/pass.h"

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

struct ModelShape;
struct ScratchModel;

// A tensor under the name by which it was loaded: Hugging Face's.
struct NamedTensor {
    std::string name;
    at::Tensor values;
};

// A part of a pass after which it can be taken up again: embedding, each block, and what makes the final
// hidden state of the last block's output.
struct Step {
    int layer = embedding;
    static constexpr int embedding = -1, finish = std::numeric_limits<int>::max();
    // Whose part `site` is. What a head does to logits comes after the last step.
    static Step of(Site site) {
        return {site.layer >= 0 ? site.layer : site.place == Place::embedding ? embedding : finish};
    }
    bool operator==(const Step&) const = default;
};

// A transformer's weights and how its parts follow one another. Immutable after loading; one pass at a time.
// Parts are separate so that a pass can start again from a block's kept input.
class Transformer {
public:
    virtual ~Transformer() = default;

    virtual at::Tensor embed(Pass& pass) const = 0; // [sequence, position, channel]
    virtual at::Tensor block(Pass& pass, int layer, const at::Tensor& x) const = 0; // the same shape
    virtual at::Tensor finish(Pass& pass, const at::Tensor& x) const = 0; // final hidden state, same shape
    // Next-token or masked-token logits [sequence, position, vocabulary], class logits [sequence, label], or
    // undefined.
    virtual at::Tensor head(Pass& pass, const at::Tensor& hidden) const = 0;
    virtual void moveTo(at::Device device) = 0;

    // A copy with linear layers of its own that shares every tensor, to be reshaped by what follows.
    virtual std::unique_ptr<Transformer> clone() const = 0;
    // Divides the tensor that the linear layers of `input` read by `divisor` [channel] where it is made,
    // exactly. False, and nothing changed: something else reads that tensor too, or what makes it cannot
    // carry a scale.
    virtual bool foldDivisor(Site input, const at::Tensor& divisor) = 0;
    // Turns the residual stream by an orthogonal matrix [channel, channel], folded into every linear layer
    // that writes or reads it; embedded tokens are turned, the final hidden state is turned back. False: the
    // family's norms forbid it.
    virtual bool rotateStream(const at::Tensor& rotation) = 0;

    // All that was loaded, as it stands now, linear layers included. Whatever turns the final hidden state
    // back is folded into the head, which then stands alone ("lm_head.weight") though the file ties it to the
    // embedding.
    virtual std::vector<NamedTensor> tensors() const = 0;
    // The same as the family's files hold them, where that is not how the engine does.
    virtual std::vector<NamedTensor> fileTensors() const { return tensors(); }

    const ModelInfo& info() const { return info_; }
    const std::vector<std::shared_ptr<Linear>>& linears() const { return linears_; } // heads included
    // How a quantized checkpoint says that its linear layers' inputs are rounded; empty for any other.
    const std::map<Site, StoredActivation>& stored() const { return stored_; }

    // The site that makes the tensor which `site` names, for aliases (post-norm: attn_input is the previous
    // mlp_norm).
    virtual Site origin(Site site) const { return site; }

    at::Tensor hidden(Pass& pass) const;                               // embed, every block, finish
    std::vector<Step> steps() const;                                   // the same in order
    at::Tensor take(Pass& pass, Step step, const at::Tensor& x) const; // x is not read by the first

protected:
    std::shared_ptr<Linear> add(std::shared_ptr<Linear> linear) {
        linears_.push_back(linear);
        return linear;
    }
    // Weights and biases of the linear layers, but for those that are another tensor's (`tied`).
    std::vector<NamedTensor> linearTensors(const at::Tensor& tied) const;
    // After a copy: linear layers of its own. Returns the copy of each, by the original.
    std::map<const Linear*, std::shared_ptr<Linear>> copyLinears();
    ModelInfo info_;

private:
    friend std::unique_ptr<Transformer> loadTransformer(const ModelFolder& folder, std::stop_token stop,
                                                        const OnProgress& progress);
    void readStored(const StoredQuantization& stored);

    std::vector<std::shared_ptr<Linear>> linears_;
    std::map<Site, StoredActivation> stored_;
};

// A model family: reads config.json's words and loads the weights. One file each, registered on its last
// line.
class Architecture {
public:
    virtual ~Architecture() = default;
    virtual std::string_view id() const = 0; // the model_type it answers to
    virtual std::string_view title() const = 0;
    virtual std::string_view summary() const = 0;
    virtual std::unique_ptr<Transformer> load(const ModelFolder& folder,
                                              Weights& weights) const = 0; // throws Error
    // A model of this family before its first step of training; empty where the family offers none.
    virtual std::optional<ScratchModel> scratch(const ModelShape& shape, int vocabulary) const;
};

template <>
Registry<Architecture>& Registry<Architecture>::instance();

// Picks the family by model_type, loads, and fills what every family's ModelInfo shares. Throws Error,
// Cancelled.
std::unique_ptr<Transformer> loadTransformer(const ModelFolder& folder, std::stop_token stop,
                                             const OnProgress& progress);

} // namespace kurtoscope
