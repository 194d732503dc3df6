// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// First, or moc 6.4 stumbles over <concepts> where <compare> (from site.h) is the first standard header it
// sees.
#include <QDateTime>
#include <QFlags>
#include <QString>

#include "core/data/attention_reading.h"
#include "core/data/channel_stats.h"
#include "core/data/model_info.h"
#include "core/data/reading.h"
#include "core/data/recipe.h"
#include "core/data/rounding_errors.h"
#include "core/data/text_reading.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace kurtoscope {

// One recipe beside the others: its name, choice, and what is known of it so far.
struct Column {
    QString name;
    Recipe recipe;
    std::shared_ptr<const Observation> observation; // under this recipe; null until observed
    std::optional<Reading> reading;                 // null until evaluated
    std::vector<float> trail; // the score after each window that was told of, of this reading
    bool stale = false;       // the reading belongs to an earlier choice
    bool fromFile = false;    // the reading was taken before, and saved with the session
    std::shared_ptr<const RoundingErrors> errors; // of this very recipe; null until a view needed them
};

// A recipe that was measured over this data and is no column's choice any more.
struct Tried {
    Recipe recipe;
    Reading reading;
};

// What a recipe's loss comes from, as far as it was asked for and is known.
struct SensitivityMap {
    Recipe recipe; // what it was asked of; another active recipe makes it stale
    Sensitivity found;
    bool running = false;
};

// A line of the history: what ran and how long, or what the person should know.
struct HistoryLine {
    enum class Kind : unsigned char { work, stopped, note, warning, error };
    Kind kind = Kind::work;
    QDateTime when;
    QString what, hint;  // hint: what to do about it, may be empty
    double seconds = -1; // < 0: nothing ran
};

// Everything that views draw: a value owned by the session, replaced piece by piece, never written by a view.
struct Workspace {
    std::shared_ptr<const ModelInfo> model; // null before a model is open
    QString dataName, dataSummary, task, deviceText;
    std::vector<Column> columns;     // FP32 first
    int active = 0;                  // the column whose kept channels a click changes
    int reference = 0;               // the column that differences are shown against
    Site site{0, Place::attn_input}; // the linked cursor
    int channel = -1;                // −1: none selected
    int token = -1;
    std::shared_ptr<const SiteSample> sample; // values of `site` over the data; null until run
    std::vector<float> grid;                  // the active recipe's levels at `site`; empty: not quantized
    std::shared_ptr<const SiteSample> typed;  // values of `site` over typed text; null until run
    std::map<Site, std::set<int>> marked;     // by the criterion last asked for, not yet kept
    bool skipFirstToken = false;
    std::shared_ptr<const Observation> beside;         // FP32's of a second window: colours are shared with it
    QString text;                                      // typed; "" for the data's first window
    std::shared_ptr<const TextReading> reading;        // of `text`; null until a view needed it
    std::shared_ptr<const AttentionReading> attention; // likewise, at the site's layer under FP32
    std::shared_ptr<const SensitivityMap> sensitivity; // null until asked for
    std::vector<HistoryLine> history;                  // oldest first
    std::vector<Tried> tried;                          // oldest first, the last few

    // The unquantized observation, which maps and channel panels draw; null until observed.
    const Observation* baseline() const {
        return columns.empty() ? nullptr : columns.front().observation.get();
    }
    const SiteStats* stats(Site at) const {
        return baseline() ? baseline()->find(at, skipFirstToken) : nullptr;
    }
    const Column* activeColumn() const {
        return active >= 0 && active < static_cast<int>(columns.size())
                   ? &columns[static_cast<std::size_t>(active)]
                   : nullptr;
    }
};

enum class Change : unsigned {
    model = 1,
    data = 2,
    columns = 4,
    observation = 8,
    reading = 16,
    selection = 32,
    sample = 64,
    kept = 128,
    marked = 256,
    theme = 512,
    text = 1024, // reading or attention
    errors = 2048,
    sensitivity = 4096,
    history = 8192,
    everything = 16383,
};
Q_DECLARE_FLAGS(Changes, Change)
Q_DECLARE_OPERATORS_FOR_FLAGS(Changes)

// What a visible view draws that is not computed for every model by itself.
enum class Need : unsigned {
    reading = 1,   // the text under the active recipe
    attention = 2, // of the selected layer
    errors = 4,    // the active recipe's rounding errors
    everyErrors = 8,
};
Q_DECLARE_FLAGS(Needs, Need)
Q_DECLARE_OPERATORS_FOR_FLAGS(Needs)

} // namespace kurtoscope
