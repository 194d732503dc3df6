// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/cuda/linear_cuda.h"
#include "core/cuda/round_cuda.h"
#include "core/cuda/torch_cuda.h"

namespace kurtoscope {

// What the CUDA library offers, entry by entry (the headers above).
struct CudaLibrary {
    decltype(&kurtoscopeCudaRound) round = nullptr;
    decltype(&kurtoscopeCudaRows) rows = nullptr;
    decltype(&kurtoscopeCudaGather) gather = nullptr;
    decltype(&kurtoscopeCudaProduct) product = nullptr;
    decltype(&kurtoscopeCudaFinish) finish = nullptr;
    decltype(&kurtoscopeCudaStream) stream = nullptr;
    decltype(&kurtoscopeCudaName) name = nullptr;
    decltype(&kurtoscopeCudaCapability) capability = nullptr;
    decltype(&kurtoscopeCudaCapture) capture = nullptr;
    decltype(&kurtoscopeCudaReplay) replay = nullptr;
    decltype(&kurtoscopeCudaForget) forget = nullptr;
    bool onHost = false; // its kernels run on the processor, over the processor's memory: tests do that
};
const CudaLibrary* cudaLibrary(); // null while it is not loaded
// For tests: takes `library`, which must outlive what uses it, for the one loaded; null ends that.
KURTOSCOPE_API void pretendCudaLibrary(const CudaLibrary* library);

} // namespace kurtoscope
