// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/checkpoints/compressed_recipe.h"

#include <vector>

namespace kurtoscope {
namespace {

using Words = std::vector<std::string>;

std::string joined(const std::string& scheme, const Words& words) {
    std::string text = scheme;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? ":" : ",") + words[i];
    return text;
}

std::string ofFp8(const CompressedArguments& weights, const std::optional<CompressedArguments>& inputs) {
    if (weights.strategy != "tensor" && weights.strategy != "channel") return "";
    if (inputs && (!inputs->isFloat || inputs->bits != 8)) return "";
    Words words;
    if (!inputs) words.push_back("activation_format=16");
    if (inputs && inputs->strategy == "token") words.push_back("activation=per-token");
    if (inputs && inputs->strategy == "tensor" && inputs->dynamic) words.push_back("dynamic=on");
    if (weights.strategy == "tensor") words.push_back("weight=per-tensor");
    return joined("fp8", words);
}

std::string ofFp4(const CompressedArguments& weights, const std::optional<CompressedArguments>& inputs) {
    const bool nv = weights.strategy == "tensor_group" && weights.group == 16,
               mx = weights.strategy == "group" && weights.group == 32;
    if ((!nv && !mx) || (inputs && (!nv || !inputs->isFloat || inputs->bits != 4))) return "";
    Words words{nv ? "format=nvfp4" : "format=mxfp4"};
    words.push_back(inputs ? "tensor_scale=static" : "activation_format=16");
    return joined("mx", words);
}

Words wordsOf(const CompressedArguments& inputs) {
    Words words;
    if (inputs.strategy == "token") words.push_back("activation=per-token");
    if (inputs.strategy == "group") {
        words.push_back("activation=per-group");
        words.push_back("activation_group=" + std::to_string(inputs.group));
    }
    if (inputs.dynamic && inputs.strategy != "token") words.push_back("dynamic=on");
    words.push_back(inputs.symmetric ? "levels=full" : "symmetric=off");
    if (inputs.bits != 8) words.push_back("activation_bits=" + std::to_string(inputs.bits));
    return words;
}

} // namespace

std::string nearestRecipe(const CompressedArguments& weights,
                          const std::optional<CompressedArguments>& activations) {
    if (weights.isFloat) return weights.bits == 8 ? ofFp8(weights, activations) : ofFp4(weights, activations);
    if (activations && activations->isFloat) return "";
    const bool grouped = weights.strategy == "group";
    if (!grouped && weights.strategy != "channel" && weights.strategy != "tensor") return "";
    Words words = activations ? wordsOf(*activations) : Words{"activation_bits=16"};
    // Weights alone, and zero points, are the weight schemes'; one scale for a whole weight is not.
    if (weights.strategy != "tensor" && (!activations || !weights.symmetric)) {
        Words side{"bits=" + std::to_string(weights.bits),
                   "group=" + std::to_string(grouped ? weights.group : 0)};
        if (!weights.symmetric) side.push_back("symmetric=off");
        if (!activations) return joined("rtn", side);
        words.push_back("weight_bits=16");
        return joined("rtn", side) + "+" + joined("w8a8", words);
    }
    if (!weights.symmetric) return "";
    if (weights.strategy == "tensor") words.push_back("weight=per-tensor");
    if (grouped) {
        words.push_back("weight=per-group");
        words.push_back("weight_group=" + std::to_string(weights.group));
    }
    if (weights.bits != 8) words.push_back("weight_bits=" + std::to_string(weights.bits));
    return joined("w8a8", words);
}

} // namespace kurtoscope
