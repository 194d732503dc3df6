// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/choice.h"
#include "app/window/engine_thread.h"
#include "core/data/channel_stats.h"
#include "core/data/reading.h"
#include "widgets/workspace.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurtoscope {

// One piece of work for the engine: a value, so that it can be compared with what is still wanted.
struct Work {
    enum class Kind : unsigned char {
        open,
        describe,
        baseline,
        type,
        sample,
        grid,
        resolve,
        evaluate,
        observe,
        read,        // the text, token by token
        attend,      // its attention
        errors,      // rounding errors by site and channel
        sensitivity, // asked for outright; goes on where it was cut short
        emergence,   // of a training run, asked for outright; its text says which request
        exporting    // asked for outright; its text says which request
    };
    Kind kind = Kind::open;
    Recipe recipe;
    Site site;
    std::string text; // a path (open), the whole request (describe), typed text (type, read, attend)

    bool operator==(const Work&) const = default;
    Lane lane() const;
    // Whether `this` may cut `running` short: a look at another site does not cost a whole observation.
    bool preempts(const Work& running) const;
};

// What is known of the present model and data. Readings are found again by recipe, so that undo is answered
// at once.
struct Known {
    std::shared_ptr<const Observation> baseline;
    std::vector<std::pair<Recipe, Reading>> readings; // complete ones
    std::vector<std::pair<Recipe, std::shared_ptr<const Observation>>> observations;
    std::vector<std::pair<Recipe, Recipe>>
        resolved;                 // a recipe with a `keep` criterion → with the channels it means
    std::vector<Recipe> fromFile; // whose reading was not taken by this program
    std::optional<Work> sample, typed, grid, attention; // the work whose results are on screen
    std::vector<std::pair<Work, std::shared_ptr<const TextReading>>> texts; // those last read
    std::vector<std::pair<Recipe, std::shared_ptr<const RoundingErrors>>> errors;
    std::optional<Recipe> sensitive; // whose sensitivity is complete

    bool baselineComplete() const { return baseline && baseline->windows == baseline->windowsTotal; }
    const Reading* reading(const Recipe& recipe) const;
    std::shared_ptr<const Observation> observation(const Recipe& recipe) const;
    const Recipe* resolution(const Recipe& recipe) const;
    bool isFromFile(const Recipe& recipe) const; // its reading was saved with a session
    std::shared_ptr<const TextReading> text(const Work& work) const;
    std::shared_ptr<const RoundingErrors> errorsOf(const Recipe& recipe) const;
    void add(const Recipe& recipe, const Reading& reading);
    void addFromFile(const Recipe& recipe, const Reading& reading);
    void forgetFromFile(); // so that they are measured
    void add(const Recipe& recipe, std::shared_ptr<const Observation> observation);
    void keepOnly(const Choice& choice); // observations are large: those of recipes no longer shown go
};

// What the person looks at: the other half of what decides which work is wanted.
struct Looking {
    Site site{};
    bool siteChosen = false;
    std::string text{};                  // typed, "" for none
    Needs needs{};                       // of the views in sight
    std::optional<Recipe> sensitivity{}; // asked for
};

Work describing(const DataRequest& data); // another one for whatever differs in the request

// What the Text view and the attention map want, as far as `needs` say.
std::optional<Work> wantedText(const Choice& choice, const Looking& looking);
std::optional<Work> wantedAttention(const Looking& looking);

// Everything that is wanted and not yet known, the most urgent first.
std::vector<Work> missingWork(const Choice& choice, const Looking& looking, const Known& known);

} // namespace kurtoscope
