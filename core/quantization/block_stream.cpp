// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/block_stream.h"

#include "core/base/error.h"
#include "core/engine/blocks.h"

namespace kurtoscope {
namespace {

class Watcher : public Arithmetic {
public:
    Watcher(const Arithmetic& under, int layer, const OnRows& onRows)
        : under_(under), layer_(layer), onRows_(onRows) {}

    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override {
        return under_.value(site, x, batch);
    }
    bool treats(Site site) const override { return under_.treats(site); }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override {
        const at::Tensor y = under_.operand(site, x, batch);
        if (!onRows_ || site.layer != layer_) return y;
        onRows_(site, validRows(y, batch));
        return y;
    }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override {
        return under_.linear(linear, x, batch);
    }

private:
    const Arithmetic& under_;
    int layer_;
    const OnRows& onRows_;
};

} // namespace

at::Tensor PieceArithmetic::linear(const Linear& linear, const at::Tensor& x, const Batch&) const {
    return at::linear(x, linear.weight, linear.bias);
}

BlockStream::BlockStream(const Transformer& model, const CalibrationSet& calibration,
                         const Arithmetic& arithmetic, std::stop_token stop)
    : model_(model), calibration_(calibration), arithmetic_(arithmetic), stop_(std::move(stop)) {
    for (const Batch& batch : calibration.batches()) {
        Pass pass(batch, calibration.device(), nullptr, &arithmetic_, stop_);
        entering_.push_back(model.embed(pass));
    }
    if (entering_.empty())
        throw Error("there is no text to calibrate on", "", "Ask for at least one calibration window");
}

void BlockStream::run(int layer, bool advance, const OnRows& onRows) {
    const Watcher watcher(arithmetic_, layer, onRows);
    for (std::size_t i = 0; i < entering_.size(); ++i) {
        Pass pass(calibration_.batches()[i], calibration_.device(), nullptr, &watcher, stop_);
        pass.throwIfStopped();
        const at::Tensor out = model_.block(pass, layer, entering_[i]);
        if (advance) entering_[i] = out;
    }
}

std::int64_t BlockStream::rows() const {
    std::int64_t rows = 0;
    for (const Batch& batch : calibration_.batches())
        for (int length : batch.lengths)
            rows += length;
    return rows;
}

void Grams::add(Site input, const at::Tensor& rows) {
    Sum& sum = sums_[input];
    if (!sum.gram.defined()) {
        sum.gram = at::zeros({rows.size(1), rows.size(1)}, rows.options());
        sum.magnitude = at::zeros({rows.size(1)}, rows.options());
    }
    sum.gram.addmm_(rows.t(), rows);
    sum.magnitude.add_(rows.abs().sum(0));
    sum.rows += rows.size(0);
}

at::Tensor Grams::gram(Site input) const {
    const Sum& sum = sums_.at(input);
    return sum.gram / double(sum.rows);
}

at::Tensor Grams::meanMagnitude(Site input) const {
    const Sum& sum = sums_.at(input);
    return sum.magnitude / double(sum.rows);
}

double outputEnergy(const at::Tensor& difference, const at::Tensor& gram) {
    return (at::matmul(difference, gram) * difference).sum(at::kDouble).item<double>();
}

} // namespace kurtoscope
