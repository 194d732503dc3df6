// SPDX-License-Identifier: GPL-3.0-or-later
// Products of narrow numbers by cuBLASLt. It counts in columns where we count in rows: out [row, output] is
// its [output, row] = wᵀ · x, the form (transposed, plain) that its integer kernels ask for.
#include "core/cuda/linear_cuda.h"

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace {

constexpr std::size_t mostPlans = 1024;

struct Numbers {
    cudaDataType_t in, out, scale;
    cublasComputeType_t compute;
};
constexpr Numbers kinds[] = {
    {CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUBLAS_COMPUTE_32I},
    {CUDA_R_8F_E4M3, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F},
    {CUDA_R_16F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F},
    {CUDA_R_16BF, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F},
};

// The first failure of several calls, as cuBLASLt words it.
class Checked {
public:
    bool operator()(cublasStatus_t status) {
        if (status_ == CUBLAS_STATUS_SUCCESS) status_ = status;
        return status == CUBLAS_STATUS_SUCCESS;
    }
    bool failed() const { return status_ != CUBLAS_STATUS_SUCCESS; }
    const char* reason() const { return cublasLtGetStatusString(status_); }

private:
    cublasStatus_t status_ = CUBLAS_STATUS_SUCCESS;
};

// What cuBLASLt is told of one shape, and how it chose to do it.
class Plan {
public:
    Plan(cublasLtHandle_t handle, const KurtoscopeCudaProduct& work, Checked& check) {
        const Numbers& kind = kinds[work.numbers];
        check(cublasLtMatmulDescCreate(&product_, kind.compute, kind.scale));
        const cublasOperation_t transposed = CUBLAS_OP_T;
        if (check.failed()) return;
        check(cublasLtMatmulDescSetAttribute(product_, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                             sizeof transposed));
        check(cublasLtMatrixLayoutCreate(&weight_, kind.in, std::uint64_t(work.inputs),
                                         std::uint64_t(work.outputs), work.weightStride));
        check(cublasLtMatrixLayoutCreate(&x_, kind.in, std::uint64_t(work.inputs), std::uint64_t(work.rows),
                                         work.xStride));
        check(cublasLtMatrixLayoutCreate(&out_, kind.out, std::uint64_t(work.outputs),
                                         std::uint64_t(work.rows), work.outStride));
        if (!check.failed()) choose(handle, work, check);
    }
    ~Plan() {
        if (out_) cublasLtMatrixLayoutDestroy(out_);
        if (x_) cublasLtMatrixLayoutDestroy(x_);
        if (weight_) cublasLtMatrixLayoutDestroy(weight_);
        if (product_) cublasLtMatmulDescDestroy(product_);
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    void run(cublasLtHandle_t handle, const KurtoscopeCudaProduct& work, Checked& check) const {
        const std::int32_t one = 1, nothing = 0;
        const float oneFloat = 1, nothingFloat = 0;
        const bool integers = work.numbers == kurtoscopeInt8;
        const void* alpha = integers ? static_cast<const void*>(&one) : &oneFloat;
        const void* beta = integers ? static_cast<const void*>(&nothing) : &nothingFloat;
        check(cublasLtMatmul(handle, product_, alpha, work.weight, weight_, work.x, x_, beta, work.out, out_,
                             work.out, out_, &algorithm_, work.workspace, std::size_t(work.workspaceBytes),
                             static_cast<cudaStream_t>(work.stream)));
    }

    // Of an address, up to the most that a kernel asks for.
    static std::uint32_t alignment(const void* pointer) {
        const auto address = reinterpret_cast<std::uintptr_t>(pointer);
        return std::uint32_t(std::min<std::uintptr_t>(256, address & (~address + 1)));
    }

private:
    void choose(cublasLtHandle_t handle, const KurtoscopeCudaProduct& work, Checked& check) {
        cublasLtMatmulPreference_t preference = nullptr;
        if (!check(cublasLtMatmulPreferenceCreate(&preference))) return;
        const auto say = [&](cublasLtMatmulPreferenceAttributes_t what, auto value) {
            check(cublasLtMatmulPreferenceSetAttribute(preference, what, &value, sizeof value));
        };
        say(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t(work.workspaceBytes));
        say(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(work.weight));
        say(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(work.x));
        say(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(work.out));
        say(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(work.out));
        cublasLtMatmulHeuristicResult_t found{};
        int count = 0;
        check(cublasLtMatmulAlgoGetHeuristic(handle, product_, weight_, x_, out_, out_, preference, 1, &found,
                                             &count));
        if (count == 0) check(CUBLAS_STATUS_NOT_SUPPORTED);
        algorithm_ = found.algo;
        cublasLtMatmulPreferenceDestroy(preference);
    }

    cublasLtMatmulDesc_t product_ = nullptr;
    cublasLtMatrixLayout_t weight_ = nullptr, x_ = nullptr, out_ = nullptr;
    cublasLtMatmulAlgo_t algorithm_{};
};

using Shape = std::array<std::int64_t, 12>;

Shape shapeOf(const KurtoscopeCudaProduct& work) {
    return {work.rows,
            work.outputs,
            work.inputs,
            work.xStride,
            work.weightStride,
            work.outStride,
            work.numbers,
            work.workspaceBytes,
            work.device,
            Plan::alignment(work.x),
            Plan::alignment(work.weight),
            Plan::alignment(work.out)};
}

// Of each device and shape; they live as long as the process.
struct Known {
    std::mutex guard;
    std::map<int, cublasLtHandle_t> handles;
    std::map<Shape, std::unique_ptr<const Plan>> plans;
};

cublasLtHandle_t handleOf(Known& known, int device, Checked& check) {
    cublasLtHandle_t& handle = known.handles[device];
    if (!handle && (cudaSetDevice(device) != cudaSuccess || !check(cublasLtCreate(&handle)))) {
        check(CUBLAS_STATUS_NOT_INITIALIZED);
        known.handles.erase(device);
        return nullptr;
    }
    return handle;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const char*
kurtoscopeCudaProduct(const KurtoscopeCudaProduct* work) {
    static Known& known = *new Known; // its handles must not outlive the driver: never taken down
    if (work->rows == 0 || work->outputs == 0) return nullptr;
    const std::lock_guard lock(known.guard);
    Checked check;
    const cublasLtHandle_t handle = handleOf(known, work->device, check);
    if (!handle) return check.reason();
    const Shape shape = shapeOf(*work);
    auto found = known.plans.find(shape);
    if (found == known.plans.end()) {
        auto made = std::make_unique<const Plan>(handle, *work, check);
        if (check.failed()) return check.reason();
        if (known.plans.size() >= mostPlans) known.plans.clear();
        found = known.plans.emplace(shape, std::move(made)).first;
    }
    found->second->run(handle, *work, check);
    return check.failed() ? check.reason() : nullptr;
}
