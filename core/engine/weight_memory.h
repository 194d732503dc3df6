// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace kurtoscope {

// Where float32 weights that the program makes lie: in memory up to memoryBound(), beyond it in unnamed
// temporary files that are mapped, so that the system holds the blocks at work and puts the others aside. One
// for the process, any thread. What lies mapped in a model's own file is no matter of it.
class WeightMemory {
public:
    static at::Tensor empty(at::IntArrayRef shape); // float32, uninitialised
    static at::Tensor keep(const at::Tensor& made); // the same values
    // Both throw Error where the disk has no room.

    // The tensor is not needed for a while: where it lies in a file its pages leave memory.
    static void putAside(const at::Tensor& tensor);
};

} // namespace kurtoscope
