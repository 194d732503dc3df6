// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quantization/calibration_set.h"

#include <functional>
#include <map>
#include <stop_token>
#include <vector>

namespace kurtoscope {

// A reshaped model in float32: its online steps and nothing else.
class PieceArithmetic : public Arithmetic {
public:
    explicit PieceArithmetic(const Workpiece& piece) : piece_(piece) {}
    at::Tensor value(Site, const at::Tensor& x, const Batch&) const override { return x; }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch&) const override {
        return applySteps(piece_.online(site), x);
    }
    bool treats(Site) const override { return false; }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override;

private:
    const Workpiece& piece_;
};

// What the linear layers at `input` multiply, [row, channel], padding left out.
using OnRows = std::function<void(Site input, const at::Tensor& rows)>;

// Calibration text on its way through a model, block by block: holds what enters the next block, and no more.
class BlockStream {
public:
    BlockStream(const Transformer& model, const CalibrationSet& calibration, const Arithmetic& arithmetic,
                std::stop_token stop);

    // Runs block `layer` over all batches and shows every linear input of it as it is made, if asked.
    // `advance`: what comes out enters the next block. Throws Cancelled.
    void run(int layer, bool advance, const OnRows& onRows = {});
    std::int64_t rows() const; // over all batches

private:
    const Transformer& model_;
    const CalibrationSet& calibration_;
    const Arithmetic& arithmetic_;
    std::stop_token stop_;
    std::vector<at::Tensor> entering_; // of each batch
};

// How the channels of each linear input go together, and how large they are, over all rows seen.
class Grams {
public:
    void add(Site input, const at::Tensor& rows);
    bool has(Site input) const { return sums_.contains(input); }
    at::Tensor gram(Site input) const;          // Σ xᵀx / rows, [channel, channel] float32
    at::Tensor meanMagnitude(Site input) const; // Σ |x| / rows, [channel] float32

private:
    struct Sum {
        at::Tensor gram, magnitude;
        std::int64_t rows = 0;
    };
    std::map<Site, Sum> sums_;
};

// What replacing a weight by one that is off by `difference` [out, in] does to its outputs' energy, given its
// inputs' gram matrix.
double outputEnergy(const at::Tensor& difference, const at::Tensor& gram);

} // namespace kurtoscope
