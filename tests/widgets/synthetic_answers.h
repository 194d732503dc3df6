// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/workspace.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kurtoscope::testing {

// A text whose fourth token is spoiled behind the middle layer, and hardly any other.
inline std::shared_ptr<const TextReading> readingOf(const Recipe& recipe, int tokens, int layers) {
    auto reading = std::make_shared<TextReading>();
    reading->recipe = recipe;
    reading->measure = "KL (nats)";
    const char* words[] = {"Robert", " is", " an", " English", " film", ",", " television", " actor", "."};
    for (int i = 0; i < tokens; ++i) {
        TextToken token;
        token.text = words[i % 9];
        token.divergence = i == 3 ? 2.31 : 0.004 * (i % 5);
        for (int layer = 0; layer < layers; ++layer)
            token.sqnrDb.push_back(
                static_cast<float>(34 - 0.4 * layer - (i == 3 && layer >= layers / 2 ? 19 : 0)));
        for (int k = 0; k < 7; ++k)
            token.top.push_back(
                {40 + k, words[(i + k) % 9], 0.5 / (1 + k), i == 3 ? 0.08 * k : 0.48 / (1 + k)});
        reading->divergence += token.divergence / tokens;
        reading->tokens.push_back(std::move(token));
    }
    return reading;
}

// Head 1 looks at the first token alone, the others at all alike.
inline std::shared_ptr<const AttentionReading> attentionOf(int tokens, int layers, int heads, int layer) {
    auto a = std::make_shared<AttentionReading>();
    a->layer = layer, a->layers = layers, a->heads = heads, a->causal = true;
    const char* words[] = {"Robert", " is", " an", " English", " film", ","};
    for (int i = 0; i < tokens; ++i) {
        a->tokens.push_back(words[i % 6]);
        a->roles.push_back(i == 0 ? TokenRole::first : i % 6 == 5 ? TokenRole::punctuation : TokenRole::word);
    }
    for (int head = 0; head < heads; ++head)
        for (int query = 0; query < tokens; ++query)
            for (int key = 0; key < tokens; ++key)
                a->weights.push_back(key > query ? 0
                                     : head == 1 ? (key == 0 ? 1.0F : 0.0F)
                                                 : 1.0F / static_cast<float>(query + 1));
    for (int at = 0; at < layers; ++at)
        for (int head = 0; head < heads; ++head) {
            a->toFirst.push_back(head == 1 ? 1.0F : 0.05F + 0.01F * static_cast<float>(at % 7));
            a->toSeparators.push_back(0);
            a->toPunctuation.push_back(head == 1 ? 0.0F : 0.12F);
        }
    a->evenFirst = 0.05, a->evenPunctuation = 0.13;
    return a;
}

// The first `measured` sites by cost of four Places are known.
inline std::shared_ptr<const SensitivityMap> sensitivityOf(const Recipe& recipe, int layers, int measured) {
    auto map = std::make_shared<SensitivityMap>();
    map->recipe = recipe;
    map->found.measure = "KL (nats)";
    map->found.all = 0.84;
    map->found.windowsTotal = 1;
    for (int layer = 0; layer < layers; ++layer)
        for (const Place place :
             {Place::attn_input, Place::attn_context, Place::mlp_input, Place::mlp_hidden}) {
            SiteSensitivity row;
            row.sites = {{layer, place}};
            row.name = row.sites.front().name();
            row.localSqnrDb = 30 - 0.3 * layer;
            if (static_cast<int>(map->found.rows.size()) < measured) {
                row.only = (place == Place::mlp_hidden ? 0.2 : 0.002) / (1 + layer);
                row.allBut = 0.84 - *row.only;
                row.windows = 1;
            }
            map->found.rows.push_back(std::move(row));
        }
    map->found.complete = measured >= static_cast<int>(map->found.rows.size());
    map->running = !map->found.complete;
    return map;
}

inline std::shared_ptr<const RoundingErrors> errorsOf(const Recipe& recipe, const Observation& seen) {
    auto errors = std::make_shared<RoundingErrors>();
    errors->recipe = recipe;
    errors->windows = 2;
    for (const SiteStats& stats : seen.sites) {
        SiteError error;
        error.site = stats.site;
        error.sqnrDb = 32 - 6 * std::log10(stats.maxToMedian);
        error.clippedShare = stats.site.layer == 3 ? 0.02 : 0;
        errors->sites.push_back(error);
        const float step = stats.siteAbsmax / 127;
        auto& row = errors->noiseToSignal[stats.site];
        for (const float absmax : stats.absmax)
            row.push_back(step * step / (absmax * absmax));
    }
    return errors;
}

inline std::vector<HistoryLine> historyOf() {
    using Kind = HistoryLine::Kind;
    const QDateTime start(QDate(2026, 11, 2), QTime(14, 3, 5));
    return {{Kind::work, start, "Opening the model", {}, 1.84},
            {Kind::work, start.addSecs(3), "Observing", {}, 2.2},
            {Kind::warning, start.addSecs(3), "Calibration sees at most 512 tokens",
             "Static ranges from so few may miss outliers: give more windows or longer ones", -1},
            {Kind::stopped, start.addSecs(12), "Evaluating W8A8 per-tensor", {}, 8.6},
            {Kind::note, start.addSecs(13), "Stopped. F5 runs again what is missing", {}, -1},
            {Kind::error, start.addSecs(20), "cannot open the file – data.txt", "Choose another", -1},
            {Kind::work, start.addSecs(95), "Sensitivity of W8A8 per-tensor", {}, 74.3}};
}

// What only some views ask for.
inline void addAnswers(Workspace& w, int tokens) {
    const Column& active = w.columns[static_cast<std::size_t>(std::max(0, w.active))];
    const int layers = w.model->layers, most = std::min(tokens, 200);
    w.reading = readingOf(active.recipe, most, layers);
    w.attention = attentionOf(std::min(most, 60), layers, std::min(9, 1 + layers), std::max(0, w.site.layer));
    w.sensitivity = sensitivityOf(active.recipe, layers, layers * 4 * 2 / 3);
    for (Column& column : w.columns)
        if (!column.recipe.isFp32() && column.observation)
            column.errors = errorsOf(column.recipe, *column.observation);
    w.history = historyOf();
}

} // namespace kurtoscope::testing
