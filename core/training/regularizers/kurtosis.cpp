// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/kurtosis.h"
#include "core/training/regularizer.h"

namespace kurtoscope {
namespace {

// The kurtosis of what each linear layer makes, summed over the layers (heads left out): of each token's
// channels, averaged over tokens, or of the whole batch as one set of values.
class KurtosisPenalty : public Penalty {
public:
    explicit KurtosisPenalty(bool wholeTensor) : wholeTensor_(wholeTensor) {}
    at::Tensor ofOutput(const Linear&, const at::Tensor& rows) const override {
        return meanKurtosis(wholeTensor_ ? rows.reshape({1, -1}) : rows);
    }

private:
    bool wholeTensor_;
};

class Kurtosis : public Regularizer {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "kurtosis", "Output kurtosis",
            "the kurtosis of every linear layer's output, so that no channel stands out",
            "Nrusimha et al. 2024, arXiv 2404.03605",
            weighted("0.001", {choiceOf("over", "Over", "whose values one kurtosis is taken of", "token",
                                        {"token", "tensor"})})};
        return info;
    }
    std::unique_ptr<Penalty> make(const Told& told) const override {
        return std::make_unique<KurtosisPenalty>(told.text("over") == "tensor");
    }
};

const Registration<Regularizer, Kurtosis> registration;

} // namespace
} // namespace kurtoscope
