// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/cuda/torch_cuda.h"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>
#include <memory>
#include <optional>
#include <string>

#define KURTOSCOPE_ENTRY extern "C" __attribute__((visibility("default")))

namespace {

// Held until the next call of the thread.
const char* kept(std::string reason) {
    thread_local std::string last;
    last = std::move(reason);
    return last.c_str();
}

c10::DeviceIndex index(int device) {
    return static_cast<c10::DeviceIndex>(device);
}

} // namespace

KURTOSCOPE_ENTRY void* kurtoscopeCudaStream(int device) {
    c10::cuda::set_device(index(device));
    return c10::cuda::getCurrentCUDAStream(index(device)).stream();
}

KURTOSCOPE_ENTRY const char* kurtoscopeCudaName(int device) {
    return at::cuda::getDeviceProperties(index(device))->name;
}

KURTOSCOPE_ENTRY int kurtoscopeCudaAttention(int device, int heads, int length, int size, int causal) {
    const at::Tensor q = at::zeros({1, heads, length, size},
                                   at::TensorOptions().device(at::kCUDA, index(device)).dtype(at::kFloat));
    return int(at::_fused_sdp_choice(q, q, q, std::nullopt, 0.0, causal != 0, std::nullopt, false));
}

KURTOSCOPE_ENTRY int kurtoscopeCudaCapability(int device) {
    const cudaDeviceProp* facts = at::cuda::getDeviceProperties(index(device));
    return 10 * facts->major + facts->minor;
}

KURTOSCOPE_ENTRY const char* kurtoscopeCudaCapture(int device, void (*run)(void* data), void* data,
                                                   void** graph) {
    *graph = nullptr;
    std::optional<c10::cuda::CUDAStream> stream;
    std::unique_ptr<at::cuda::CUDAGraph> made;
    bool recording = false;
    try {
        c10::cuda::set_device(index(device));
        c10::cuda::getCurrentCUDAStream(index(device)).synchronize();
        // The legacy default stream, in which LibTorch works, cannot be captured.
        stream = c10::cuda::getStreamFromPool(false, index(device));
        made = std::make_unique<at::cuda::CUDAGraph>();
        const c10::cuda::CUDAStreamGuard guard(*stream);
        for (int warmUp = 0; warmUp < 2; ++warmUp)
            run(data);
        stream->synchronize();
        made->capture_begin();
        recording = true;
        run(data);
        recording = false;
        made->capture_end();
        stream->synchronize();
    } catch (const std::exception& failure) {
        const std::string reason = failure.what();
        if (recording) {
            try {
                const c10::cuda::CUDAStreamGuard guard(*stream);
                made->capture_end(); // ends it, and says again that it failed
            } catch (const std::exception&) {
            }
        }
        static_cast<void>(cudaGetLastError()); // or the next call would be blamed
        return kept(reason);
    }
    *graph = made.release();
    return nullptr;
}

KURTOSCOPE_ENTRY const char* kurtoscopeCudaReplay(void* graph) {
    try {
        static_cast<at::cuda::CUDAGraph*>(graph)->replay();
        return nullptr;
    } catch (const std::exception& failure) {
        return kept(failure.what());
    }
}

KURTOSCOPE_ENTRY void kurtoscopeCudaForget(void* graph) {
    delete static_cast<at::cuda::CUDAGraph*>(graph);
}
