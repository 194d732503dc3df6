// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/site.h"
#include "core/engine/batch.h"

#include <cstdint>

namespace kurtoscope {

// One site's values of one batch as contiguous float32 rows of `channels`, in host memory. Rows run over
// [sequence, group, position]; `groups` is the head count for attn_probs and 1 elsewhere. `perSequence`: one
// row per sequence and no positions (class logits). Valid only during Tap::take.
struct SiteTensor {
    const float* values = nullptr;
    std::int64_t channels = 0;
    int groups = 1;
    bool perSequence = false;
    const Batch* batch = nullptr;
};

// An observer of a forward pass: first asked whether it wants a site, then given the tensor. Called on the
// thread that runs the model, between its operators; what it throws ends the pass.
class Tap {
public:
    virtual ~Tap() = default;
    virtual bool wants(Site site) const = 0;
    virtual void take(Site site, const SiteTensor& tensor) = 0;
    // The same of what linear layers multiply in place of the tensor at `input`, where a step at run time
    // makes it another one; not yet rounded.
    virtual bool wantsReshaped(Site /*input*/) const { return false; }
    virtual void takeReshaped(Site /*input*/, const SiteTensor& /*tensor*/) {}
};

} // namespace kurtoscope
