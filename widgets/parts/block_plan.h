// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QString>

#include "core/data/model_info.h"

#include <vector>

namespace kurtoscope {

// One step down the drawing of a layer: which tensors it makes, and where they lie on its wires.
struct BlockStep {
    enum class Kind : unsigned char {
        tap,    // a Place on a wire
        norm,   // what rescales the wire
        branch, // a copy of the stream leaves it
        join,   // the branch is added to the stream
        open,   // a box of `words` around what follows
        close,
        before, // the layers above this one, or below it
        after,
    };
    enum class Track : unsigned char { stream, branch, fan }; // fan: several side by side
    Kind kind = Kind::tap;
    Track track = Track::stream;
    Place place = Place::embedding; // of a tap
    QString words;                  // of a box
};

// The steps of one layer of `model` in order, from the embedding to the logits: the norm before each branch
// (pre-norm) or after each sum (post-norm). Places that the model lacks are left out.
KURTOSCOPE_WIDGETS_API std::vector<BlockStep> blockPlan(const ModelInfo& model);

} // namespace kurtoscope
