// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/parallel.h"
#include "core/data/site.h"
#include "core/engine/kernels/row_functions.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace kurtoscope {

// An activation function by config.json's name ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu",
// "tanh"): as tensor operators, and as a kernel for rows where there is one.
struct Activation {
    at::Tensor (*operators)(const at::Tensor&) = nullptr;
    RowFunction row = nullptr;

    at::Tensor operator()(const at::Tensor& x) const;
};
Activation activationFunction(const std::string& name, const std::string& where); // throws Error

// Values of a table, `stride` floats from row to row, of which these rows and columns are finished.
using ShownRows =
    std::function<void(const float* values, std::int64_t stride, std::int64_t firstRow, std::int64_t lastRow,
                       std::int64_t firstColumn, std::int64_t lastColumn)>;

// What a product's result goes through before anyone sees it: activation(y) · times + plus, each if given.
struct Then {
    const Activation* activation = nullptr;
    const at::Tensor *times = nullptr, *plus = nullptr; // of the result's shape
    // Whose linear layers are all who read it: its values may be left out once they have their numbers.
    const Site* reader = nullptr;
    // Who looks at finished rows and columns while they are near, before `plus` and at the end: as AfterRows,
    // with the whole result. Only where fitsProduct().
    const ShownRows *beforePlus = nullptr, *atEnd = nullptr;

    at::Tensor applied(const at::Tensor& y) const;
    bool nothing() const { return !activation && !times && !plus && !beforePlus && !atEnd; }
    bool fits() const; // whether the kernels below can do it
    void finishAll(at::Tensor& y) const;
    // `count` values of one row, those of the result's from `at` on.
    void finishRow(float* y, std::int64_t at, std::int64_t count) const;
    AfterRows afterRows(float* out, std::int64_t columns) const; // must not outlive this

private:
    void finish(float* out, std::int64_t columns, std::int64_t firstRow, std::int64_t lastRow,
                std::int64_t firstColumn, std::int64_t lastColumn) const;
};

// Whether the kernels for float32 rows may take x: on the CPU, contiguous, and neither a gradient nor
// LibTorch's own operators are asked for.
bool isPlain(const at::Tensor& x);

// Whether product() multiplies by the kernels.
bool fitsProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Then& then);

// x wᵀ + bias [.., out], then what `then` says: by kernels where they may, else by tensor operators.
at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                   const Then& then = {});

// Room for a product of x [.., in] with `outputs` columns: [.., outputs], float32 and not written yet.
at::Tensor emptyProduct(const at::Tensor& x, std::int64_t outputs);

// One of the products of a tensor.
struct Factor {
    const at::Tensor &weight, &bias;
    Then then = {};
};
// product() of each, to the last bit: by the kernels in one go where these may take all of them.
std::vector<at::Tensor> products(const at::Tensor& x, const std::vector<Factor>& factors);

} // namespace kurtoscope
