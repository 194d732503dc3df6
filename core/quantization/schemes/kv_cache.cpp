// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/quantization/scheme.h"

namespace kurtoscope {
namespace {

// Keys have outlier channels and values have none, so keys share scales along the tokens, values along the
// channels. What servers run today is coarser: one fixed scale for all keys of a layer, one for its values.
class KvCache : public Scheme {
public:
    const SchemeInfo& info() const override {
        static const SchemeInfo info{
            "kv-cache",
            "KV cache",
            "attention's keys by channel and values by token, or each in one static range; all else left to "
            "other schemes",
            "Liu et al. 2024, KIVI, arXiv 2402.02750; Hooper et al. 2024, KVQuant, arXiv 2401.18079",
            {choiceOf("ranges", "Ranges",
                      "at run time: keys by channel over some tokens, values by token in each head, "
                      "asymmetric; static: one "
                      "symmetric range for a layer's keys as attention reads them, one for its values, as "
                      "checkpoints hold them",
                      "run-time", {"run-time", "static"}),
             choiceOf("format", "Format", "of static ranges: integers, or 8-bit floats (E4M3)", "integer",
                      {"integer", "fp8"}),
             choiceOf("bits", "Bits", "of a key or a value", "4", {"2", "3", "4", "5", "6", "7", "8"}),
             integerOf("group", "Token group", "tokens over which a channel of the keys shares a scale", 32,
                       1, 65536)}};
        return info;
    }
    void plan(const Told& told, Plan& plan) const override {
        CacheRule rule{told.integer("bits"), told.integer("group"), told.text("ranges") == "static"};
        if (told.text("format") == "fp8") {
            if (!rule.fixed)
                throw Error("format=fp8 with ranges=run-time is not possible: integers alone are rounded so",
                            "", "Use ranges=static, or leave format out");
            if (told.given("bits") && rule.bits != 8)
                throw Error("format=fp8 has 8 bits, got bits=" + told.text("bits"), "", "Leave bits out");
            rule.format = Format::e4m3, rule.bits = 8;
        }
        if (rule.fixed && told.given("group"))
            throw Error("group=" + told.text("group") +
                            " with ranges=static is not possible: a range is a layer's",
                        "", "Leave group out");
        plan.cache = rule;
    }
};

const Registration<Scheme, KvCache> registration;

} // namespace
} // namespace kurtoscope
