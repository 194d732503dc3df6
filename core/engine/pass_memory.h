// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>

namespace kurtoscope {

// While one lives on a thread and no gradients are kept, large tensors that are made there lie in blocks that
// earlier passes left, so that a pass like those before it asks the system for nothing. Blocks that a few
// passes had no use for are given back; all idle ones are when an `operator new`, an AlignedBytes or a tensor
// finds no memory. For that, loading this library puts an allocator of its own before LibTorch's for the CPU and
// a handler before the program's new-handler. Any thread may call any of it.
class KURTOSCOPE_API PassMemory {
public:
    PassMemory();
    ~PassMemory();
    PassMemory(const PassMemory&) = delete;
    PassMemory& operator=(const PassMemory&) = delete;

    // While one lives, this thread's tensors are made as anywhere else: they are there to stay.
    class KURTOSCOPE_API Outside {
    public:
        Outside();
        ~Outside();
        Outside(const Outside&) = delete;
        Outside& operator=(const Outside&) = delete;

    private:
        int passes_;
    };

    static void giveBack();            // every idle block, by whoever needs memory or is done with a model
    static std::int64_t idleBytes();   // kept for the next pass
    static std::int64_t blocksTaken(); // from the system since the program began
};

} // namespace kurtoscope
