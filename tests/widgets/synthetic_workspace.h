// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "synthetic_answers.h"
#include "widgets/workspace.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace kurtoscope::testing {

// A workspace with made-up data in the shape of a real run: heavy channels, a massive first token, readings.
struct Shape {
    int layers = 30, channels = 576, columns = 4, tokens = 300;
};

inline SiteStats statsOf(Site site, int channels, double scale, std::mt19937& random) {
    std::lognormal_distribution<float> ordinary(static_cast<float>(std::log(scale)), 0.45F);
    SiteStats s;
    s.site = site;
    s.channels = channels;
    s.tokens = 2048;
    const auto n = static_cast<std::size_t>(channels);
    for (std::size_t c = 0; c < n; ++c) {
        float most = ordinary(random);
        if (c == 507 % n) most *= site.layer > 1 ? 20 : 5;
        if (c == 247 % n && site.layer >= 9 && site.layer <= 24) most *= 28;
        s.absmax.push_back(most);
        s.max.push_back(most);
        s.min.push_back(-most);
        s.mean.push_back(c % 7 == 0 ? -most / 4 : 0);
        s.variance.push_back(most * most / 12.0);
        s.skewness.push_back(0.1);
        s.kurtosis.push_back(3 + most);
        s.energy.push_back(most * most / 10.0 * 2048);
        s.shareAbove.push_back(most > 6 ? 0.3 : 0);
    }
    std::vector<float> sorted = s.absmax;
    std::sort(sorted.begin(), sorted.end());
    s.siteAbsmax = sorted.back();
    s.maxToMedian = sorted.back() / sorted[(n - 1) / 2];
    s.siteKurtosis = 3 + s.maxToMedian * s.maxToMedian / 3 * (1 + site.layer % 5);
    s.top1pctEnergy = std::min(0.95, 0.01 * s.maxToMedian);
    const char* words[] = {" film", ",", "\n", " television", " and", " theatre"};
    for (int i = 0; i < 6; ++i)
        s.peaks.push_back({s.siteAbsmax * static_cast<float>(1 - 0.06 * i), static_cast<int>(507 % n), i,
                           i * 31, words[i]});
    return s;
}

inline std::shared_ptr<const Observation> observationOf(const Shape& shape, const std::vector<Place>& places,
                                                        unsigned seed) {
    auto seen = std::make_shared<Observation>();
    std::mt19937 random(seed);
    for (int layer = 0; layer < shape.layers; ++layer)
        for (const Place place : places)
            if (isPerLayer(place)) {
                const double scale = place == Place::mlp_residual ? 6 + layer
                                     : place == Place::mlp_hidden ? 0.7
                                                                  : 0.5;
                seen->sites.push_back(statsOf(
                    {layer, place}, place == Place::mlp_hidden ? shape.channels * 8 / 3 : shape.channels,
                    scale, random));
            }
    for (const Place place : places)
        if (!isPerLayer(place)) seen->sites.push_back(statsOf({-1, place}, shape.channels, 1, random));
    seen->withoutFirstToken = seen->sites;
    seen->tokens = 2048;
    seen->windows = seen->windowsTotal = 8;
    return seen;
}

inline std::shared_ptr<const SiteSample> sampleOf(Site site, int channels, int tokens, int heavy) {
    auto sample = std::make_shared<SiteSample>();
    sample->site = site;
    sample->channels = channels;
    std::mt19937 random(7);
    std::normal_distribution<float> ordinary(0, 0.6F);
    const char* words[] = {"Robert", " <unk>",      " is",  " an",      " English", " film",
                           ",",      " television", " and", " theatre", " actor",   ".",
                           " He",    " had",        " a",   " guest",   "\n"};
    for (int token = 0; token < tokens; ++token) {
        sample->tokens.push_back(words[token % 17]);
        for (int c = 0; c < channels; ++c) {
            const float value = ordinary(random);
            sample->values.push_back(c == heavy ? -8.5F + 2.2F * value : value);
        }
    }
    return sample;
}

inline Reading readingOf(int column, int windows, double score, double difference, double error,
                         KernelTag kernels) {
    Reading r;
    r.column = column;
    r.windowsDone = windows;
    r.windowsTotal = 8;
    r.metric = "perplexity";
    r.lowerIsBetter = true;
    r.score = r.perplexity.emplace(score);
    r.standardError = 1.62;
    r.difference = difference;
    r.differenceError = error;
    r.klMean = column ? 0.037 * column : 0;
    r.klP99 = column ? 0.61 * column : 0;
    r.top1Agreement = 1 - 0.041 * column;
    r.cosine = 1 - 0.0012 * column;
    r.sqnrDb = column ? 31.4 - 4 * column : INFINITY;
    r.latencyP50Ms = 184.2;
    r.latencyP99Ms = 191.7;
    r.latencyRuns = 20;
    r.phases =
        column
            ? std::map<std::string, double>{{"quantize", 0.09},
                                            {"gemm", 0.47},
                                            {"epilogue", 0.06},
                                            {"attention", 0.24},
                                            {"rest", 0.14}}
            : std::map<std::string, double>{
                  {"quantize", 0}, {"gemm", 0.61}, {"epilogue", 0.05}, {"attention", 0.21}, {"rest", 0.13}};
    r.weightBytes = column ? 163'300'000 : 538'060'032;
    r.effectiveBits = column ? 8.04 : 32;
    r.keptOf = column ? 149'760 : 0;
    r.kernels = kernels;
    return r;
}

inline Workspace filled(const Shape& shape) {
    Workspace w;
    auto model = std::make_shared<ModelInfo>();
    model->name = "SmolLM2-135M-Instruct";
    model->architecture = "llama";
    model->architectureTitle = "LLaMA";
    model->storedPrecision = "Q4_1";
    model->layers = shape.layers;
    model->hidden = shape.channels;
    model->places = {Place::embedding, Place::attn_input,   Place::query,       Place::key,
                     Place::value,     Place::attn_context, Place::attn_output, Place::attn_residual,
                     Place::mlp_input, Place::mlp_hidden,   Place::mlp_output,  Place::mlp_residual,
                     Place::final_norm};
    if (shape.channels > 4000)
        model->places = {Place::attn_input, Place::mlp_hidden, Place::mlp_residual}; // made in a second
    w.model = model;
    const char* names[] = {"FP32",           "W8A8 per-tensor",  "W8A8 per-tensor, kept",
                           "W8A8 per-token", "W8A8 per-channel", "W4A8",
                           "W8A8 all",       "W8A8 dynamic"};
    const double scores[] = {31.83, 59.29, 33.22, 32.81, 31.95, 41.2, 64.9, 58.8};
    const double errors[] = {0, 0.9, 0.21, 0.19, 0.4, 0.8, 1.1, 0.9};
    for (int i = 0; i < shape.columns; ++i) {
        Column column;
        column.name = names[i % 8];
        column.recipe.scheme = i == 0 ? "fp32" : "w8a8";
        column.observation = observationOf(shape, model->places, static_cast<unsigned>(i == 0 ? 1 : 11 * i));
        if (i == 2)
            for (int layer = 0; layer < shape.layers; ++layer) {
                if (layer >= 9 && layer <= 24)
                    column.recipe.kept[{layer, Place::attn_input}].insert(247 % shape.channels);
                if (layer == 1 || layer == 2 || layer == 6)
                    column.recipe.kept[{layer, Place::attn_input}].insert(507 % shape.channels);
            }
        column.reading = readingOf(i, i == 3 ? 5 : 8, scores[i % 8], scores[i % 8] - 31.83, errors[i % 8],
                                   i == 0   ? KernelTag::floating
                                   : i == 3 ? KernelTag::integer
                                            : KernelTag::simulated);
        std::size_t kept = 0;
        for (const auto& [site, channels] : column.recipe.kept)
            kept += channels.size();
        column.reading->keptChannels = kept;
        w.columns.push_back(std::move(column));
    }
    w.active = std::min(2, shape.columns - 1);
    w.site = {std::min(12, shape.layers - 1), Place::attn_input};
    w.channel = 247 % shape.channels;
    w.sample = sampleOf(w.site, shape.channels, shape.tokens, w.channel);
    for (int i = -127; i <= 127; ++i)
        w.grid.push_back(static_cast<float>(i) * 0.0913F);
    w.typed = sampleOf(w.site, shape.channels, std::min(24, shape.tokens), w.channel);
    w.dataName = "WikiText-2 test";
    addAnswers(w, shape.tokens);
    return w;
}

} // namespace kurtoscope::testing
