// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/device.h"

#include "core/base/error.h"
#include "core/base/local_rank.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <new>
#include <string_view>

namespace kurtoscope {
namespace {

bool hasGpu() {
    return std::filesystem::exists("/dev/nvidiactl") || std::filesystem::exists("/dev/dxg");
}

CudaLibrary loaded;
const CudaLibrary* library = nullptr; // &loaded, or a test's
NcclGroup loadedNccl = nullptr;       // null where it was built without nccl
std::string unusedGpu;                // why a GPU that is there is not used

template <class Entry>
bool find(void* file, const char* name, Entry& entry) {
    entry = reinterpret_cast<Entry>(dlsym(file, name));
    return entry != nullptr;
}

// Empty when CUDA can be used, else the reason.
std::string loadCuda() {
    static const std::string reason = []() -> std::string {
        if (!hasGpu()) return "no NVIDIA GPU is visible on this machine";
        void* file = dlopen("libkurtoscope_cuda.so", RTLD_NOW | RTLD_GLOBAL);
        if (!file) return std::string("the CUDA library did not load: ") + dlerror();
        const bool whole = find(file, "kurtoscopeCudaRound", loaded.round) &
                           find(file, "kurtoscopeCudaRows", loaded.rows) &
                           find(file, "kurtoscopeCudaGather", loaded.gather) &
                           find(file, "kurtoscopeCudaProduct", loaded.product) &
                           find(file, "kurtoscopeCudaFinish", loaded.finish) &
                           find(file, "kurtoscopeCudaStream", loaded.stream) &
                           find(file, "kurtoscopeCudaName", loaded.name) &
                           find(file, "kurtoscopeCudaCapability", loaded.capability) &
                           find(file, "kurtoscopeCudaCapture", loaded.capture) &
                           find(file, "kurtoscopeCudaReplay", loaded.replay) &
                           find(file, "kurtoscopeCudaForget", loaded.forget);
        if (!whole) return "the CUDA library is of another version of this program";
        library = &loaded;
        find(file, "kurtoscopeNcclGroup", loadedNccl);
        if (!at::hasCUDA())
            return "LibTorch found no usable CUDA device (see nvidia-smi for the driver's state)";
        return "";
    }();
    return reason;
}

} // namespace

c10::Device openDevice(DeviceKind kind) {
    if (kind == DeviceKind::cpu || (kind == DeviceKind::automatic && !hasGpu())) return {c10::kCPU};
    const std::string reason = loadCuda();
    if (reason.empty()) { // processes of one machine share out its GPUs
        const int gpus = at::detail::getCUDAHooks().getNumGPUs();
        return {c10::kCUDA, static_cast<c10::DeviceIndex>(localRank() % std::max(1, gpus))};
    }
    unusedGpu = reason;
    if (kind == DeviceKind::automatic) return {c10::kCPU};
    throw Error("CUDA was asked for, but " + reason, "",
                "Use --device cpu, or install a CUDA toolkit and driver and run ./run again, which builds "
                "the CUDA library");
}

const CudaLibrary* cudaLibrary() {
    return library;
}

void pretendCudaLibrary(const CudaLibrary* pretended) {
    library = pretended ? pretended : loaded.round ? &loaded : nullptr;
}

NcclGroup ncclGroup() {
    return loadedNccl;
}

bool isOutOfMemory(const std::exception& failure) {
    const std::string_view text = failure.what();
    return dynamic_cast<const std::bad_alloc*>(&failure) ||
           dynamic_cast<const c10::OutOfMemoryError*>(&failure) ||
           text.find("DefaultCPUAllocator") != text.npos || text.find("out of memory") != text.npos;
}

std::string deviceDescription(c10::Device device, int threads) {
    if (!device.is_cpu())
        return (library && library->name ? std::string(library->name(device.index())) : "CUDA GPU") +
               " · GPU " + std::to_string(device.index());
    std::string text = "CPU";
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni"))
        text += " · AVX-512 VNNI";
    else if (__builtin_cpu_supports("avx512f"))
        text += " · AVX-512";
    else if (__builtin_cpu_supports("avx2"))
        text += " · AVX2";
#endif
    text += " · " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    return unusedGpu.empty() ? text : text + " · GPU not used: " + unusedGpu;
}

} // namespace kurtoscope
