// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/model_info.h"

namespace kurtoscope {

// Whether both have the same sites and channels, as a run's checkpoints do: what is said of one by layer,
// Place and channel can be said of the other.
inline bool sameShape(const ModelInfo& a, const ModelInfo& b) {
    return a.architecture == b.architecture && a.layers == b.layers && a.vocabulary == b.vocabulary &&
           a.places == b.places && a.placeChannels == b.placeChannels && a.head == b.head;
}

} // namespace kurtoscope
