// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/base/progress.h"
#include "core/data/device_kind.h"
#include "core/data/emergence.h"
#include "core/data/precision_grid.h"
#include "core/data/process_backend.h"
#include "core/data/training_progress.h"
#include "core/data/training_run.h"
#include "core/data/training_spec.h"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

struct TrainingOptions {
    DeviceKind device = DeviceKind::automatic;
    int threads = 0;             // 0: one per physical core
    std::string seenFolder = {}; // where emergence() keeps what it saw, and finds it again; "": nowhere
    ProcessBackend backend = ProcessBackend::automatic; // of train() in several processes
};
using OnRecord = std::function<void(const TrainingRecord&)>;

// The facade of training, beside Workbench: what app asks of the lab, in plain values. Synchronous; a stop
// ends after the step that runs, with a checkpoint that `resume` goes on from, and throws Cancelled; others
// pause and stop it by askTraining (core/data/training_request.h). Every call throws Error.
class KURTOSCOPE_API TrainingLab {
public:
    explicit TrainingLab(TrainingOptions options = {});
    std::string deviceText() const;

    // Trains into `folder` and tells of each record as it is written. `resume` goes on from the newest
    // checkpoint there, under the spec that lies there; a folder that holds a run is otherwise refused.
    TrainingRun train(const TrainingSpec& spec, const std::string& folder, bool resume = false,
                      std::stop_token stop = {}, const OnRecord& onRecord = {},
                      const OnProgress& progress = {});
    bool led() const { return led_; } // whether train() wrote here: of several processes, one does

    // Every checkpoint of a run over its held-out text: outlier channels, kurtosis, weights. `windows` of the
    // run's own length; checkpoints up to step `after` are left out.
    Emergence emergence(const std::string& folder, int windows = 8, std::stop_token stop = {},
                        const OnProgress& progress = {},
                        const std::function<void(const Emergence&)>& onCheckpoint = {}, int after = -1);
    // The last checkpoint's perplexity at each width of weights and activations.
    PrecisionGrid grid(const std::string& folder, const GridRequest& request = {}, std::stop_token stop = {},
                       const OnProgress& progress = {});

    static void check(const TrainingSpec& spec, const std::string& where = ""); // members, sizes, files
    // What a run of a spec takes, before it begins: estimates, for a model made from nothing.
    struct Cost {
        double tokens = 0;
        double memoryBytes = 0; // weights, gradients, moments, and activations of one batch
        double textBytes = 0;   // of memory, while its text is made ready
        double operations = 0;  // of its linear layers
    };
    static Cost cost(const TrainingSpec& spec);
    // What products as training makes them reach on this device, in operations a second; takes a moment.
    double operationsPerSecond(const TrainingSpec& spec) const;
    static std::vector<SchemeInfo> regularizers();
    struct Preset {
        std::string id, summary;
        TrainingSpec spec;
    };
    static std::vector<Preset> presets();
    static const Preset& preset(const std::string& id); // throws Error naming those there are

private:
    static void refuseTooLarge(const TrainingSpec& spec, bool onCpu);

    TrainingOptions options_;
    bool led_ = true;
};

} // namespace kurtoscope
