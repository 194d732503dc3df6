// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/training_progress.h"

#include "core/base/error.h"
#include "core/data/strict_json.h"

#include <algorithm>
#include <limits>

namespace kurtoscope {
namespace {

constexpr const char* hint = "metrics.jsonl is written by training: one object a line";

} // namespace

std::string TrainingRecord::toJson() const {
    nlohmann::ordered_json json;
    json["step"] = step;
    json["steps"] = steps;
    json["loss"] = realJson(loss);
    json["penalty"] = realJson(penalty);
    json["learning_rate"] = learningRate;
    json["gradient_norm"] = realJson(gradientNorm);
    json["tokens"] = tokens;
    json["tokens_per_second"] = realJson(tokensPerSecond);
    json["seconds_left"] = secondsLeft;
    const auto optional = [](auto& object, const char* key, const std::optional<double>& value) {
        if (value) object[key] = realJson(*value);
    };
    optional(json, "validation_loss", validationLoss);
    optional(json, "validation_error", validationError);
    optional(json, "validation_score", validationScore);
    if (!sites.empty()) {
        auto& list = json["sites"] = nlohmann::ordered_json::object();
        for (const TrainingSiteFigures& one : sites) {
            auto& at = list[one.site.name()] = nlohmann::ordered_json::object();
            optional(at, "clip_low", one.clipLow);
            optional(at, "clip_high", one.clipHigh);
            optional(at, "clipped_share", one.clippedShare);
            optional(at, "penalty", one.penalty);
            optional(at, "kurtosis", one.kurtosis);
            optional(at, "max_to_median", one.maxToMedian);
        }
    }
    if (!event.empty()) json["event"] = event;
    if (paused) json["paused"] = true;
    if (!checkpoint.empty()) json["checkpoint"] = checkpoint;
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

TrainingRecord TrainingRecord::fromJson(std::string_view line, const std::string& where) {
    const nlohmann::json json = parseStrictObject(line, where, hint);
    StrictObject root(json, where, "", hint);
    constexpr std::int64_t most = std::numeric_limits<int>::max();
    TrainingRecord record;
    record.step = static_cast<int>(root.integer("step", 0, most));
    record.steps = static_cast<int>(root.integer("steps", 0, most));
    record.loss = root.real("loss");
    record.penalty = root.real("penalty");
    record.learningRate = root.real("learning_rate");
    record.gradientNorm = root.real("gradient_norm");
    record.tokens = root.integer("tokens", 0, std::int64_t{1} << 60);
    record.tokensPerSecond = root.real("tokens_per_second");
    record.secondsLeft = root.real("seconds_left");
    const auto optional = [](StrictObject& object, const char* key) {
        return object.has(key) ? std::optional(object.real(key)) : std::nullopt;
    };
    record.validationLoss = optional(root, "validation_loss");
    record.validationError = optional(root, "validation_error");
    record.validationScore = optional(root, "validation_score");
    if (const auto* sites = root.find("sites")) {
        if (!sites->is_object()) root.fail("sites with their figures were expected", "sites");
        for (const auto& [name, figures] : sites->items()) {
            StrictObject at(figures, where, "sites." + name, hint);
            TrainingSiteFigures one;
            one.site = Site::fromName(name);
            one.clipLow = optional(at, "clip_low");
            one.clipHigh = optional(at, "clip_high");
            one.clippedShare = optional(at, "clipped_share");
            one.penalty = optional(at, "penalty");
            one.kurtosis = optional(at, "kurtosis");
            one.maxToMedian = optional(at, "max_to_median");
            at.finish();
            record.sites.push_back(one);
        }
        std::ranges::sort(record.sites, {}, &TrainingSiteFigures::site);
    }
    if (root.has("event")) record.event = root.text("event");
    if (root.has("paused")) record.paused = root.flag("paused");
    if (root.has("checkpoint")) record.checkpoint = root.text("checkpoint");
    root.finish();
    return record;
}

} // namespace kurtoscope
