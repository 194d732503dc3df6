// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/transforms/rotate.h"

#include "core/base/error.h"

namespace kurtoscope {

std::string Rotate::key(const Plan&) const {
    return "rotate " + std::to_string(int(where_)) + (random_ ? " random" : " hadamard") +
           (online_ ? " online " : " ") + std::to_string(seed_);
}

void Rotate::apply(Workpiece& piece, const Plan&, CalibrationSet*, const std::string&, std::stop_token stop,
                   const OnProgress& progress) const {
    // One matrix for all inputs of a width: it is stored once.
    std::map<std::int64_t, Rotation> made;
    const at::Device device = piece.model().linears().front()->weight.device();
    const auto ofSize = [&](std::int64_t size) -> const Rotation& {
        const auto [found, fresh] = made.try_emplace(size);
        if (fresh) {
            found->second = random_ ? randomRotation(size, seed_) : hadamardRotation(size, seed_);
            found->second.matrix = found->second.matrix.to(device);
        }
        return found->second;
    };
    const ModelInfo info = piece.model().info();
    bool turned = false;
    if (where_ != Where::inputs && !(where_ == Where::automatic && info.postNorm)) {
        if (progress) progress({"Rotating the residual stream", 0, 0, -1});
        const Rotation& rotation = ofSize(info.hidden);
        turned = piece.rotateStream(rotation.matrix, rotation.bytes);
        if (!turned && where_ == Where::residual)
            throw Error("the residual stream of " + info.name + " cannot be rotated: the scales of its " +
                            (info.postNorm ? "post-norm " : "") +
                            "norms stand in the stream itself and do not commute with a rotation",
                        "rotation:where=residual", "use where=inputs");
    }
    const std::vector<Site> inputs = piece.inputs();
    std::int64_t done = 0;
    for (Site input : inputs) {
        if (stop.stop_requested()) throw Cancelled();
        if (progress) progress({"Rotating " + input.name(), done++, std::int64_t(inputs.size()), -1});
        const bool inner = input.place == Place::attn_context || input.place == Place::mlp_hidden;
        if (inner ? !online_ : turned) continue;
        const Rotation& rotation = ofSize(info.channels(input.place));
        piece.rotateInput(input, rotation.matrix, rotation.bytes);
    }
}

} // namespace kurtoscope
