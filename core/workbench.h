// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/export.h"
#include "core/base/progress.h"
#include "core/data/attention_reading.h"
#include "core/data/bench.h"
#include "core/data/channel_sets.h"
#include "core/data/channel_stats.h"
#include "core/data/data_request.h"
#include "core/data/device_kind.h"
#include "core/data/diagnostics.h"
#include "core/data/export_plan.h"
#include "core/data/kernel_choice.h"
#include "core/data/model_info.h"
#include "core/data/prediction.h"
#include "core/data/reading.h"
#include "core/data/recipe.h"
#include "core/data/rounding_errors.h"
#include "core/data/text_reading.h"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

struct WorkbenchOptions {
    DeviceKind device = DeviceKind::automatic;
    int threads = 0; // 0: one per physical core
    std::uint64_t seed = 1;
    // What hidden states and FP32's answers may take, kept so that a change at one layer runs only what comes
    // after it; −1: 1 GiB, or a quarter of the free memory where that is less.
    int stateMegabytes = -1;
};

// What evaluations have cost so far, in blocks of one window, and what is kept to spare more.
struct WorkCounts {
    std::int64_t blocks = 0, blocksReused = 0;
    std::int64_t baselineBlocks = 0; // of `blocks`: FP32's own
    std::int64_t stateBytes = 0, stateBudget = 0;
};

// A member of a registry, for lists and help.
struct TaskInfo {
    std::string id, title, summary;
};

struct ObserveRequest {
    DataRequest data;
    Recipe recipe;                 // observed under this recipe; fp32 by default
    bool linearInputsOnly = false; // only what a calibration needs
    float magnitudeBar = 6;        // |x| that SiteStats::shareAbove counts from
};

struct EvaluateRequest {
    DataRequest data;
    std::vector<Recipe> recipes;
    bool latency = true;
    // Hold calibration windows out even if none of these recipes needs them: for a caller that asks for
    // recipes one by one and sets their readings side by side.
    bool holdOut = false;
    KernelChoices kernels = {};
    // What a person should hear of that is no failure: a window that had to be run in parts.
    std::function<void(const std::string&)> onNote = {};
};
// An evaluated column's recipe after its `keep` criterion was resolved to channels.
using OnReading = std::function<void(const Reading&)>;

// The facade: one model, its data and everything that can be asked of them. Owns model, tensors and device
// context; use it from one thread at a time (the engine thread, or a command). Every call throws Error; with
// a stop token, Cancelled.
class KURTOSCOPE_API Workbench {
public:
    explicit Workbench(WorkbenchOptions options = {});
    ~Workbench();
    Workbench(Workbench&&) noexcept;
    Workbench& operator=(Workbench&&) noexcept;

    std::string deviceText() const; // "CPU · AVX-512 VNNI · 2 threads"

    // Opens a Hugging Face folder or a GGUF file. The model that was open stays open when this throws.
    const ModelInfo& open(const std::string& path, std::stop_token stop = {},
                          const OnProgress& progress = {});
    bool isOpen() const;
    const ModelInfo& model() const; // throws Error when none is open

    // What a request means for the open model: task, windows, note. Reads and tokenizes the file (kept for
    // later calls).
    // `holdOut`: as it is cut when a recipe needs calibration.
    DataInfo describe(const DataRequest& data, bool holdOut = true, std::stop_token stop = {});
    static bool needsCalibration(const Recipe& recipe); // static ranges or a keep criterion
    // Whether the recipe's sites hold other values than FP32's even before they are rounded: smoothed,
    // rotated.
    static bool reshapes(const Recipe& recipe);

    // Statistics of every site in one pass; `onObservation` gets progressive copies (at most 4 a second).
    Observation observe(const ObserveRequest& request, std::stop_token stop = {},
                        const OnProgress& progress = {},
                        const std::function<void(const Observation&)>& onObservation = {});
    // Values of one site over typed text (when not empty) or the data's first windows, up to maxTokens
    // tokens.
    SiteSample sample(Site site, const DataRequest& data, const std::string& text, const Recipe& recipe,
                      int maxTokens, std::stop_token stop = {});
    // The quantization levels that `recipe` lays on a site: a static rule's from calibration on `data`, a
    // dynamic one's as for values that span `stats` (of all tokens). Empty when the site is left as it is.
    std::vector<float> gridLevels(const Recipe& recipe, const SiteStats& stats, const DataRequest& data,
                                  std::stop_token stop = {});

    // Checks scheme, parameters, sites and channels against the open model. Throws Error.
    void validate(const Recipe& recipe) const;
    static void checkWords(const Recipe& recipe); // what needs no model: scheme, parameters, criterion
    // `recipe.keep` turned into kept channels at the sites which the recipe quantizes, from calibration
    // statistics.
    Recipe resolveKeep(const Recipe& recipe, const DataRequest& data, std::stop_token stop = {},
                       const OnProgress& progress = {});
    // Progressive paired evaluation against FP32 (run once and kept). Returns the final reading of each
    // recipe.
    std::vector<Reading> evaluate(const EvaluateRequest& request, std::stop_token stop = {},
                                  const OnReading& onReading = {}, const OnProgress& progress = {});

    WorkCounts workCounts() const;

    // Which sites a recipe's loss comes from: the local estimate first, then true divergences window by
    // window.
    Sensitivity sensitivity(const SensitivityRequest& request, const DataRequest& data,
                            std::stop_token stop = {},
                            const std::function<void(const Sensitivity&)>& onUpdate = {},
                            const OnProgress& progress = {});
    // What the recipe's rounding does to every site's values and, token by token, to the model's answers,
    // over the first `windows` evaluated windows; the `worst` tokens listed.
    ErrorReport errors(const Recipe& recipe, const DataRequest& data, int windows = 4, int worst = 20,
                       std::stop_token stop = {}, const OnProgress& progress = {});
    // What the rounding does to every site and channel, over the first `windows` evaluated windows.
    RoundingErrors roundingErrors(const Recipe& recipe, const DataRequest& data, int windows = 2,
                                  std::stop_token stop = {}, const OnProgress& progress = {});
    // One text under FP32 and a recipe: divergence, likeliest answers and error behind each layer, token by
    // token.
    TextReading readText(const TextRequest& request, std::stop_token stop = {},
                         const OnProgress& progress = {});
    // One layer's attention over a text, and in every layer the share of the first token and of separators.
    AttentionReading readAttention(const AttentionRequest& request, std::stop_token stop = {},
                                   const OnProgress& progress = {});
    // A site's channels in `groups` embedding groups of asymmetric `bits`-bit ranges, from calibration.
    GroupTable groupTable(Site site, int groups, bool permute, int bits, const DataRequest& data,
                          std::stop_token stop = {}, const OnProgress& progress = {});
    // Outlier channels of calibration text against those of each window, of `data` and (not empty)
    // `otherPath`.
    Stability stability(const DataRequest& data, const std::string& otherPath, const std::string& criterion,
                        std::stop_token stop = {}, const OnProgress& progress = {});
    // The smallest set of kept channels (or sites in high precision) that reaches the goal: greedy on
    // predicted noise, verified by true runs, each told as it ends.
    KeepSelection selectKept(const Recipe& recipe, const KeepGoal& goal, const DataRequest& data,
                             std::stop_token stop = {},
                             const std::function<void(const KeepStep&)>& onStep = {},
                             const OnProgress& progress = {});

    // Latencies of whole passes, recipes in turn, with what they spent their time on. Each result is told as
    // it stands. Throws Error for a length that the model cannot take.
    BenchReport bench(const BenchRequest& request, std::stop_token stop = {},
                      const std::function<void(const BenchResult&)>& onResult = {},
                      const OnProgress& progress = {});

    // What an export would hold, and what of the recipe its target cannot carry. Makes the recipe ready where
    // the target needs that, which calibrates. Throws Error where the recipe needs data and there is none.
    ExportPlan planExport(const ExportRequest& request, std::stop_token stop = {},
                          const OnProgress& progress = {});
    // The same, written: a folder that appears whole or not at all. Throws Error for what the plan refuses.
    ExportResult exportModel(const ExportRequest& request, std::stop_token stop = {},
                             const OnProgress& progress = {});
    static std::vector<ExportFormatInfo> exportFormats();
    // Runs an exported folder over the ids that came with it: opened here again, then by the software it is
    // for, where `python` has that; compares with the simulation's answers beside them and adds what it found
    // to the folder's report. Throws Error for a folder that is no export.
    std::vector<CheckResult> verifyExport(const std::string& folder, const std::string& python,
                                          std::stop_token stop = {}, const OnProgress& progress = {});

    struct PredictionWithTensors {
        Prediction prediction;
        std::vector<std::int64_t> logitsShape, hiddenShape;
        std::vector<float> logits, hidden; // row-major; logits empty for an embedding model
    };
    // Static ranges and keep criteria take their statistics from `calibration`; without it they throw Error.
    PredictionWithTensors predict(const std::string& text, const std::vector<int>& ids, const Recipe& recipe,
                                  int topCount = 5, const DataRequest* calibration = nullptr);

    static std::vector<SchemeInfo> schemes();
    static std::vector<TaskInfo> tasks();
    static std::vector<TaskInfo> architectures();
    // What lies in `folders`, each "origin=path"; those found so far when stopped.
    static std::vector<KnownModel> knownModels(const std::vector<std::string>& folders,
                                               std::stop_token stop = {});
    static KnownModel knownModel(const std::string& path); // one that a person names; throws Error
    static std::string version();
    // Whatever a call threw (LibTorch's own failures and missing memory too) as one sentence for a person.
    static Error explain(const std::exception& failure);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace kurtoscope
