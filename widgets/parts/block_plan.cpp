// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/block_plan.h"

#include <QCoreApplication>

#include <algorithm>

namespace kurtoscope {

std::vector<BlockStep> blockPlan(const ModelInfo& model) {
    using Kind = BlockStep::Kind;
    using Track = BlockStep::Track;
    std::vector<BlockStep> plan;
    const auto step = [&](Kind kind, Track track = Track::stream, const QString& words = {}) {
        plan.push_back({kind, track, Place::embedding, words});
    };
    const auto has = [&](Place place) {
        return std::ranges::find(model.places, place) != model.places.end();
    };
    const auto tap = [&](Place place, Track track) {
        if (has(place)) plan.push_back({Kind::tap, track, place, {}});
    };
    const bool postNorm = model.postNorm;

    tap(Place::embedding, Track::stream);
    step(Kind::before);
    if (postNorm) tap(Place::attn_input, Track::stream);
    step(Kind::branch);
    if (!postNorm) {
        step(Kind::norm, Track::branch);
        tap(Place::attn_input, Track::branch);
    }
    step(Kind::open, Track::branch, QCoreApplication::translate("BlockPlan", "attention"));
    for (const Place place : {Place::query, Place::key, Place::value})
        tap(place, Track::fan);
    for (const Place place : {Place::attn_probs, Place::attn_context, Place::attn_output})
        tap(place, Track::branch);
    step(Kind::close);
    step(Kind::join);
    tap(Place::attn_residual, Track::stream);
    if (postNorm) {
        step(Kind::norm);
        tap(Place::attn_norm, Track::stream);
        tap(Place::mlp_input, Track::stream);
    }
    step(Kind::branch);
    if (!postNorm) {
        step(Kind::norm, Track::branch);
        tap(Place::attn_norm, Track::branch);
        tap(Place::mlp_input, Track::branch);
    }
    step(Kind::open, Track::branch, QCoreApplication::translate("BlockPlan", "feed-forward"));
    for (const Place place : {Place::mlp_hidden, Place::mlp_output})
        tap(place, Track::branch);
    step(Kind::close);
    step(Kind::join);
    tap(Place::mlp_residual, Track::stream);
    if (postNorm) {
        step(Kind::norm);
        tap(Place::mlp_norm, Track::stream);
    }
    step(Kind::after);
    if (has(Place::final_norm)) {
        if (!postNorm) step(Kind::norm);
        tap(Place::final_norm, Track::stream);
    }
    tap(Place::logits, Track::stream);
    return plan;
}

} // namespace kurtoscope
