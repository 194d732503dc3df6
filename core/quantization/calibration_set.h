// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/progress.h"
#include "core/data/channel_stats.h"
#include "core/engine/batch.h"
#include "core/engine/transformer.h"
#include "core/quantization/transform.h"
#include "core/statistics/histogram.h"

#include <c10/core/Device.h>

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

inline constexpr int calibrationBins = 4096; // of a site's histogram

// What calibration saw at one site. `histogram` and the averages leave kept channels out and are filled only
// when asked for.
struct CalibratedSite {
    SiteStats stats;
    std::shared_ptr<const Histogram> histogram;
    float averageMin = 0, averageMax = 0; // exponential moving averages of each batch's, momentum 0.1
};

// Statistics of a model over calibration batches: of sites as they are made, and of linear inputs after their
// online steps.
struct CalibratedModel {
    std::map<Site, CalibratedSite> values, operands;

    // The operand's where it differs from the value, else the value's (origin looked up); null when unseen.
    const CalibratedSite* operand(const Transformer& model, Site site) const;
    const CalibratedSite* value(const Transformer& model, Site site) const;
};

struct CalibrationRequest {
    float magnitudeBar = 6;
    bool everySite = false;             // else linear inputs only
    bool histograms = false;            // and moving averages
    bool cache = false;                 // and keys and values as attention reads them, as operands
    bool head = false;                  // and what an output head reads
    std::map<Site, std::set<int>> kept; // left out of histograms and averages
};

// Text that no evaluation reads, and what was already gathered from it. Lives with the open data; engine
// thread.
class CalibrationSet {
public:
    CalibrationSet(std::vector<Batch> batches, c10::Device device);

    const std::vector<Batch>& batches() const { return batches_; }
    const std::string& id() const { return id_; } // names this set among all of the process, for caches
    c10::Device device() const { return device_; }
    // Runs the model over all batches, or answers from an earlier run that asked for as much. `key` names
    // what reshaped the piece (Plan::transformsKey, or a prefix of it). Throws Cancelled.
    std::shared_ptr<const CalibratedModel> statistics(const Workpiece& piece, const std::string& key,
                                                      const CalibrationRequest& request,
                                                      std::stop_token stop = {},
                                                      const OnProgress& progress = {});

private:
    struct Known {
        std::string key;
        CalibrationRequest request;
        std::shared_ptr<const CalibratedModel> seen;
    };
    std::vector<Batch> batches_;
    c10::Device device_;
    std::string id_;
    std::vector<Known> known_; // newest last
};

} // namespace kurtoscope
