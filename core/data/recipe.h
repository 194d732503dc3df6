// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/channel_sets.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

enum class Scope : unsigned char { linear_inputs, all_activations };
KURTOSCOPE_API std::string_view scopeName(Scope scope); // "linear-inputs", "all-activations"

// A scheme with what it was told; parameters that are left out have the scheme's defaults.
struct RecipePart {
    std::string scheme = "fp32";
    std::map<std::string, std::string> parameters;

    bool operator==(const RecipePart&) const = default;
};

// The range that a static rule lays its grid over, in place of one from calibration.
struct StaticRange {
    float low = 0, high = 0;

    bool operator==(const StaticRange&) const = default;
};

// A complete choice of how to quantize: a plain value. `with` are further schemes combined with the first, in
// order. `keep` is a criterion not yet resolved ("ratio:20"); `kept` are channels chosen.
struct Recipe : RecipePart {
    std::vector<RecipePart> with;
    Scope scope = Scope::linear_inputs;
    std::string keep;                   // "", "auto", "ratio:20", "top:4", "magnitude:6", "sigma:6"
    ChannelSets kept;                   // channels left in high precision
    std::set<Site> highPrecision;       // sites left whole in high precision
    std::map<Site, int> bits;           // of single sites (2–8, 16), in place of the scheme's
    std::map<Site, StaticRange> ranges; // learned in training: of every site that is rounded, or of none
    int samples = 0;                    // calibration windows; 0: as many as the data request says
    int sampleSeed = 0;                 // which of those to spare; 0: the ones after the evaluated, in order

    KURTOSCOPE_API std::vector<RecipePart> parts() const; // the first scheme and those with it
    bool isFp32() const { return scheme == "fp32" && with.empty(); }
    bool operator==(const Recipe&) const = default;
    KURTOSCOPE_API std::size_t hash() const;
    KURTOSCOPE_API std::size_t keptCount() const;

    bool keeps(Site site, int channel) const {
        const auto found = kept.find(site);
        return found != kept.end() && found->second.contains(channel);
    }
    KURTOSCOPE_API void setKept(Site site, int channel, bool on); // no empty sets stay behind

    KURTOSCOPE_API std::string toJson() const; // pretty, stable key order
    KURTOSCOPE_API static Recipe fromJson(std::string_view json,
                                          const std::string& where); // throws Error naming the key
    // "scheme[:key=value,…][+scheme[:key=value,…]]…", or the name of a recipe file when one exists by it.
    // Throws Error. Parameter names and values are checked against the scheme registry by core, not here.
    KURTOSCOPE_API static Recipe parse(std::string_view text);
    KURTOSCOPE_API std::string
    text() const; // the shortest text that parse() reads back, kept channels not included
};

// A parameter that a scheme offers: what the picker, the help and the reader of recipes need.
struct ParameterInfo {
    enum class Kind : unsigned char { choice, integer, real, text };
    std::string id, title, help, defaultValue;
    std::vector<std::string> choices; // of a choice
    double low = 0, high = 0;         // of a number: both belong to the range
    Kind kind = Kind::choice;
};

struct SchemeInfo {
    std::string id, title, summary;
    std::string source; // who published it: "Xiao et al. 2023, SmoothQuant, arXiv 2211.10438"; empty for none
    std::vector<ParameterInfo> parameters;
};

} // namespace kurtoscope
