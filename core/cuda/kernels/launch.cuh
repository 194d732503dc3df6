// SPDX-License-Identifier: GPL-3.0-or-later
// How the kernels of this folder are started. They use nothing of CUDA but what tests/support/cuda_on_host.h
// runs on the processor too, which defines these two words for itself.
#pragma once

#include <cstdint>

#ifndef KURTOSCOPE_LAUNCH
#include <cuda_runtime.h>

#define KURTOSCOPE_LAUNCH(kernel, blocksX, blocksY, threads, stream, work)                                   \
    kernel<<<dim3(unsigned(blocksX), unsigned(blocksY)), threads, 0, static_cast<cudaStream_t>(stream)>>>(   \
        work)

inline void fillWithZeros(void* memory, std::int64_t bytes, void* stream) {
    cudaMemsetAsync(memory, 0, std::size_t(bytes), static_cast<cudaStream_t>(stream));
}

inline const char* launchFailure() {
    const cudaError_t code = cudaGetLastError();
    return code == cudaSuccess ? nullptr : cudaGetErrorString(code);
}
#endif
