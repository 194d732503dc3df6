// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/recipe.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

// What one site costs under a recipe.
struct SiteSensitivity {
    std::string name;        // "layers.3.mlp_hidden", a Place, or "layer 3"
    std::vector<Site> sites; // what it stands for
    // Signal to noise of the outputs of the linear layers that read it, only its rounding (and theirs) at
    // work, on calibration text: the cheap estimate that is there at once. dB; absent where no linear layer
    // reads it.
    std::optional<double> localSqnrDb;
    // Divergence from FP32 when only this is rounded, and when all but this is. See Sensitivity::measure.
    std::optional<double> only, allBut;
    int windows = 0; // behind the two
};

struct Sensitivity {
    std::vector<SiteSensitivity> rows; // most costly first: by `only` where known, else by the estimate
    std::string measure;       // "KL (nats)", or "1 − cosine" for models without output probabilities
    std::optional<double> all; // the same with everything rounded
    int windowsTotal = 0;
    bool complete = false;
};

// What the rounding of one site does to its values, over evaluation text, the model around it in float32.
struct SiteError {
    Site site;
    std::int64_t values = 0;
    double meanSquare = 0;              // of the values before
    double clipping = 0;                // mean squared error of values beyond the range …
    double rounding = 0;                // … and of those inside it; the two add up to the whole
    double clippedShare = 0;            // 0…1
    double cosine = 1;                  // mean over tokens
    double sqnrDb = 0;                  // of the values; ∞ when exact
    std::optional<double> outputSqnrDb; // of the linear layers that read it, their weights rounded too

    double meanSquaredError() const { return clipping + rounding; }
};

struct TokenError {
    int window = 0, position = 0;
    std::string text; // the token as a person reads it
    double divergence = 0;
};

struct ErrorReport {
    std::vector<SiteError> sites;            // in forward order
    std::string measure;                     // of the tokens: "KL (nats)" or "1 − cosine"
    std::vector<TokenError> worst;           // largest first
    std::vector<std::vector<double>> tokens; // divergence of every token, by window
};

// One way to divide a site's channels into embedding groups, and what it costs.
struct EmbeddingGroup {
    int channels = 0;
    float low = 0, high = 0;  // its range
    float scale = 0;          // its step
    double noise = 0;         // expected squared error of the group: channels · step² / 12
    std::vector<int> members; // in ascending order of range
};
struct GroupTable {
    Site site;
    int groups = 1;
    bool permuted = true;
    std::vector<EmbeddingGroup> rows; // narrowest range first when permuted
    double noise = 0;                 // sum over groups
    double perTensorNoise = 0;        // of one range for all
};

// How well outlier channels that were found once serve later text.
struct StabilityRow {
    std::string data; // file
    int window = 0;
    int found = 0;        // outlier channels in this window alone, over all sites
    double recall = 0;    // of those, the share in the fixed list
    double precision = 0; // of the fixed list, the share found here
};
struct Stability {
    std::string criterion;
    int fixed = 0; // channels in the list, found on calibration text
    std::vector<StabilityRow> rows;
    struct PlaceRow {
        Place place;
        double overlap = 0;          // mean Jaccard index of neighbouring layers' sets
        std::vector<int> everywhere; // channels marked in at least half of the layers
    };
    std::vector<PlaceRow> places;
};

struct SensitivityRequest {
    enum class By : unsigned char { site, place, layer } by = By::site;
    Recipe recipe;
    int windows = 2; // evaluated for the true divergences; 0: the local estimate alone
    // What an earlier call with the same recipe, data, unit and windows found before it was stopped: not
    // measured again.
    std::optional<Sensitivity> before;
};

// A set of kept channels on the way to a goal.
struct KeepStep {
    std::size_t kept = 0; // channels, a site counted once; or whole sites
    double predicted = 0; // noise-to-signal that is left, by the proxy, relative to no channel kept
    std::optional<double> score, divergence; // of a true run, where there was one
    int windows = 0; // behind the two: fewer than all where these settle that the goal is missed
};
struct KeepGoal {
    // What stops the search: the score within `scoreWithin` of FP32's, the divergence (KL in nats, else 1 −
    // cosine) below `divergenceBelow`, or `budget` kept channels. At least one is set; every one that is set
    // must hold.
    std::optional<double> scoreWithin, divergenceBelow;
    std::optional<std::size_t> budget;
    std::optional<double> effectiveBits; // of the linear layers' weights, at most
    bool wholeSites = false;             // leave whole sites in high precision instead of single channels
    std::map<Site, std::set<int>> pinned, banned; // always kept; never kept
};
struct KeepSelection {
    Recipe recipe; // the smallest set found that reaches the goal, or the best within the budget
    bool reached = false;
    std::vector<KeepStep> path; // by number of channels
    std::string measure;        // of the divergence
};

} // namespace kurtoscope
