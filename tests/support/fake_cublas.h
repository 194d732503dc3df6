// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// cuBLASLt's entries as its documentation describes them, by plain loops over the processor's memory: enough
// to run core/cuda/product_cuda.cpp. What the documentation does not allow is refused.
#include <cublasLt.h>

#include <cstdint>
#include <cstring>
#include <map>

namespace kurtoscope::fake {

struct Layout {
    cudaDataType_t type;
    std::uint64_t rows, columns;
    std::int64_t leading;
};
struct Product {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
};
inline int objects = 0, heuristics = 0;
inline cudaStream_t lastStream = nullptr;
inline std::map<cublasLtMatmulPreferenceAttributes_t, std::uint64_t> preferred;

inline std::uint64_t alignmentOf(const void* pointer) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    return address & (~address + 1);
}
// IMMA kernels ask for (transposed, plain), multiples of four and aligned pointers; E4M3 ones for multiples
// of 16.
inline bool takes(const Product& product, const Layout& a, const Layout& b, const Layout& d) {
    const bool narrow = a.type == CUDA_R_8I || a.type == CUDA_R_8F_E4M3;
    const std::uint64_t step = a.type == CUDA_R_8F_E4M3 ? 16 : a.type == CUDA_R_8I ? 4 : 1;
    const cudaDataType_t out = a.type == CUDA_R_8I ? CUDA_R_32I : CUDA_R_32F;
    if (a.type != b.type || d.type != out || product.scale != out) return false;
    if (narrow && (product.a != CUBLAS_OP_T || product.b != CUBLAS_OP_N)) return false;
    if (a.rows != b.rows || d.rows != a.columns || d.columns != b.columns) return false;
    return a.rows % step == 0 && a.columns % step == 0 && std::uint64_t(a.leading) % step == 0 &&
           std::uint64_t(b.leading) % step == 0 && std::uint64_t(d.leading) % step == 0;
}

} // namespace kurtoscope::fake

extern "C" {
cudaError_t cudaSetDevice(int) {
    return cudaSuccess;
}
const char* cublasLtGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED" : "another failure";
}
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    *handle = reinterpret_cast<cublasLtHandle_t>(new int(0));
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
    *made = reinterpret_cast<cublasLtMatmulDesc_t>(new kurtoscope::fake::Product{compute, scale});
    ++kurtoscope::fake::objects;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t made) {
    delete reinterpret_cast<kurtoscope::fake::Product*>(made);
    --kurtoscope::fake::objects;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t made, cublasLtMatmulDescAttributes_t what,
                                              const void* value, std::size_t size) {
    auto& product = *reinterpret_cast<kurtoscope::fake::Product*>(made);
    if (size != sizeof product.a) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(what == CUBLASLT_MATMUL_DESC_TRANSA ? &product.a : &product.b, value, size);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading) {
    if (leading < std::int64_t(rows)) return CUBLAS_STATUS_INVALID_VALUE;
    *made =
        reinterpret_cast<cublasLtMatrixLayout_t>(new kurtoscope::fake::Layout{type, rows, columns, leading});
    ++kurtoscope::fake::objects;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t made) {
    delete reinterpret_cast<kurtoscope::fake::Layout*>(made);
    --kurtoscope::fake::objects;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
    *made = reinterpret_cast<cublasLtMatmulPreference_t>(new int(0));
    ++kurtoscope::fake::objects;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t made) {
    delete reinterpret_cast<int*>(made);
    --kurtoscope::fake::objects;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                    cublasLtMatmulPreferenceAttributes_t what,
                                                    const void* value, std::size_t size) {
    const bool wide = what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    if (size != (wide ? sizeof(std::uint64_t) : sizeof(std::uint32_t))) return CUBLAS_STATUS_INVALID_VALUE;
    std::uint64_t read = 0;
    std::memcpy(&read, value, size);
    kurtoscope::fake::preferred[what] = read;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t, int,
                                              cublasLtMatmulHeuristicResult_t* found, int* count) {
    using namespace kurtoscope::fake;
    ++heuristics;
    *count = takes(*reinterpret_cast<Product*>(product), *reinterpret_cast<Layout*>(a),
                   *reinterpret_cast<Layout*>(b), *reinterpret_cast<Layout*>(d));
    found->algo.data[0] = 4711;
    return *count ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t ofA, const void* b,
                              cublasLtMatrixLayout_t ofB, const void* beta, const void* c,
                              cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t ofD,
                              const cublasLtMatmulAlgo_t* algorithm, void*, std::size_t,
                              cudaStream_t stream) {
    using namespace kurtoscope::fake;
    const auto &layoutA = *reinterpret_cast<Layout*>(ofA), &layoutB = *reinterpret_cast<Layout*>(ofB),
               &layoutD = *reinterpret_cast<Layout*>(ofD);
    const auto& how = *reinterpret_cast<Product*>(product);
    if (algorithm->data[0] != 4711 || !takes(how, layoutA, layoutB, layoutD) || c != d)
        return CUBLAS_STATUS_INVALID_VALUE;
    // An algorithm was chosen for pointers that are at least so aligned.
    if (preferred[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES] > alignmentOf(a) ||
        preferred[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES] > alignmentOf(b) ||
        preferred[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES] > alignmentOf(d))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    lastStream = stream;
    const auto multiply = [&]<class Number, class Sum>(Number, Sum) {
        Sum one, nothing;
        std::memcpy(&one, alpha, sizeof one);
        std::memcpy(&nothing, beta, sizeof nothing);
        for (std::uint64_t column = 0; column < layoutD.columns; ++column)
            for (std::uint64_t row = 0; row < layoutD.rows; ++row) {
                Sum sum = 0;
                for (std::uint64_t k = 0; k < layoutA.rows; ++k)
                    sum += Sum(static_cast<const Number*>(a)[k + row * std::uint64_t(layoutA.leading)]) *
                           Sum(static_cast<const Number*>(b)[k + column * std::uint64_t(layoutB.leading)]);
                Sum& to = static_cast<Sum*>(d)[row + column * std::uint64_t(layoutD.leading)];
                to = one * sum + (nothing == 0 ? Sum(0) : nothing * to);
            }
    };
    if (layoutA.type == CUDA_R_8I)
        multiply(std::int8_t(0), std::int32_t(0));
    else
        multiply(static_cast<_Float16>(0), 0.0F); // halves alone: the way there is the same
    return CUBLAS_STATUS_SUCCESS;
}
}
