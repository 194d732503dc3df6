// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/emergence.h"

#include "core/quantization/round_weight.h"
#include "core/training/tensor_moments.h"

namespace kurtoscope {
namespace {

// Looks on while the model runs as it is.
class Onlooker : public Arithmetic {
public:
    explicit Onlooker(const Transformer& model) {
        for (const auto& linear : model.linears())
            if (!linear->head) wanted_[linear->input];
    }
    at::Tensor value(Site, const at::Tensor& x, const Batch&) const override { return x; }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch&) const override {
        const auto found = wanted_.find(site);
        if (found == wanted_.end()) return x;
        Seen& seen = found->second;
        const at::Tensor rows = x.reshape({-1, x.size(-1)}),
                         sum = rows.abs().sum(0, false, at::kDouble).cpu();
        seen.magnitude = seen.rows == 0 ? sum : seen.magnitude + sum;
        seen.rows += double(rows.size(0));
        seen.input.merge(momentsOf(x));
        return x;
    }
    bool treats(Site) const override { return false; }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch&) const override {
        const at::Tensor y = at::linear(x, linear.weight, linear.bias);
        if (const auto found = wanted_.find(linear.input); found != wanted_.end() && !linear.head)
            found->second.output.merge(momentsOf(y));
        return y;
    }

    struct Seen {
        at::Tensor magnitude; // Σ |x| of each channel
        double rows = 0;
        Moments input, output;
    };
    const std::map<Site, Seen>& seen() const { return wanted_; }

private:
    mutable std::map<Site, Seen> wanted_;
};

void lookAtWeights(const Transformer& model, EmergenceSite& site) {
    WeightRule rule;
    rule.bits = 4;
    double readers = 0;
    for (const auto& linear : model.linears()) {
        if (linear->head || linear->input != site.site) continue;
        site.weightKurtosis += momentsOf(linear->weight).kurtosis();
        const at::Tensor off = roundWeight(linear->weight, rule, {}) - linear->weight;
        site.weightError += off.square().sum(at::kDouble).item<double>() /
                            linear->weight.square().sum(at::kDouble).item<double>();
        ++readers;
    }
    site.weightKurtosis /= std::max(1.0, readers), site.weightError /= std::max(1.0, readers);
}

} // namespace

EmergenceStep lookAt(const Transformer& model, const std::vector<Batch>& batches, c10::Device device,
                     std::stop_token stop) {
    const Onlooker onlooker(model);
    for (const Batch& batch : batches) {
        Pass pass(batch, device, nullptr, &onlooker, stop);
        model.hidden(pass);
    }
    EmergenceStep step;
    for (const auto& [site, seen] : onlooker.seen()) {
        if (seen.rows == 0) continue;
        EmergenceSite made;
        made.site = site;
        const at::Tensor mean = (seen.magnitude / seen.rows).to(at::kFloat).contiguous();
        made.magnitude.assign(mean.const_data_ptr<float>(), mean.const_data_ptr<float>() + mean.numel());
        const double whole = mean.mean(at::kDouble).item<double>();
        for (std::size_t c = 0; c < made.magnitude.size(); ++c)
            if (double(made.magnitude[c]) > emergenceBar * whole) made.outliers.insert(static_cast<int>(c));
        made.kurtosis = seen.input.kurtosis();
        made.outputKurtosis = seen.output.kurtosis();
        made.maxToMedian = maxToMedianOf(mean);
        lookAtWeights(model, made);
        step.sites.push_back(std::move(made));
    }
    return step;
}

} // namespace kurtoscope
