// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/data_request.h"
#include "core/data/reading.h"
#include "core/data/recipe.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

constexpr std::size_t mostColumns = 8; // side by side, FP32 among them

// Under what a reading was taken. It is the same reading only where all of it is the same.
struct Provenance {
    std::string modelPrint, dataPrint; // see fingerprint(); empty: not known
    std::string version, device;       // of the program; "CPU · AVX-512 VNNI · 2 threads"
    std::uint64_t seed = 1;
    std::string taken; // when, for people: "2026-11-22 23:40"

    // The same model, data, program, device and seed. The time is no part of it.
    bool agrees(const Provenance& other) const {
        return modelPrint == other.modelPrint && dataPrint == other.dataPrint && version == other.version &&
               device == other.device && seed == other.seed && !modelPrint.empty() && !dataPrint.empty();
    }
    bool operator==(const Provenance&) const = default;
};

struct SavedColumn {
    std::string name;
    Recipe recipe;
    std::optional<Reading> reading; // complete
};

// Everything that a person would miss: what is open, chosen, looked at and known, as a plain value. The file
// `.kurtoscope.json` holds one.
struct SavedSession {
    std::string modelPath, modelName; // path "": no model was open
    std::int64_t modelBytes = 0;
    DataRequest data;
    std::string dataName, dataSummary, metricTask; // as they read on screen, before the data is read again

    std::vector<SavedColumn> columns; // FP32 first
    int active = 0;
    int reference = 0; // the column that differences are taken against

    Site site{0, Place::attn_input};
    int channel = -1, token = -1;
    bool skipFirstToken = false;
    std::string typed;     // the person's own text, "" for none
    std::string criterion; // last asked for, "" for none

    std::string layout;    // of the window, opaque here
    Provenance results;    // of every reading above
    std::string unsavedOf; // in an autosave: the file that it is newer than; "" for a session without one
};

// The file form. Writing and reading keep every value; reading is strict: an unknown key, a wrong type, a key
// given twice or a value out of range throws Error naming file and key. Text that is not UTF-8 gets
// replacement signs.
KURTOSCOPE_API std::string sessionToJson(const SavedSession& session);
KURTOSCOPE_API SavedSession sessionFromJson(std::string_view json, const std::string& where);
// Reads a file of at most 256 MiB. Throws Error.
KURTOSCOPE_API SavedSession readSession(const std::string& path);

constexpr std::string_view sessionSuffix = ".kurtoscope.json";

} // namespace kurtoscope
