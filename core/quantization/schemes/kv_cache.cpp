// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// Keys have outlier channels and values have none, so keys share scales along the tokens, values along the
// channels.
class KvCache : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "kv-cache",
            "KV cache",
            "attention's keys by channel and values by token, asymmetric integers; all else left to other "
            "schemes",
            "Liu et al. 2024, KIVI, arXiv 2402.02750; Hooper et al. 2024, KVQuant, arXiv 2401.18079",
            {choiceOf("bits", "Bits", "of a key or a value", "4", {"2", "3", "4", "5", "6", "7", "8"}),
             integerOf("group", "Token group", "tokens over which a channel of the keys shares a scale", 32,
                       1, 65536)}};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        plan.cache = CacheRule{told.integer("bits"), told.integer("group")};
    }
};

const Registration<Scheme, KvCache> registration;

} // namespace
} // namespace kurtoscope
