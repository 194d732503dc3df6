// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/kernel_choice.h"
#include "core/data/reading.h"
#include "core/data/recipe.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

// Recipes timed on sequences of random tokens, all without padding, recipes in turn within each size.
struct BenchRequest {
    std::vector<Recipe> recipes;
    KernelChoices kernels;
    std::vector<int> batches{1};   // sequences
    std::vector<int> lengths{128}; // tokens of each
    bool graphs = true;            // CUDA graphs, where a GPU runs the passes
    bool machine = true;           // measure what the machine can do at most
    int runs = 20;                 // measured, of each recipe and size; two more warm up
    double seconds = 10; // of measuring for a recipe and size, after which fewer runs do (5 at least)
};

struct BenchResult {
    int recipe = 0; // index in the request
    int batch = 0, length = 0, threads = 0, runs = 0;
    double p10Ms = 0, p50Ms = 0, p90Ms = 0, p99Ms = 0; // of a whole pass, output head included
    double tokensPerSecond = 0;                        // at the median
    double tops =
        0; // 10¹² operations a second in the linear layers' products, at the median of the whole pass
    // The program's largest resident memory while this recipe first ran at this size, without what only the
    // other recipes hold.
    std::int64_t peakBytes = 0;
    std::map<std::string, double> phases; // as Reading::phases
    std::optional<double> joules;         // of a pass; empty where the system does not tell
    KernelTag kernels = KernelTag::floating;
    std::string shortfall;      // why a part of it was simulated that was asked to be real; often empty
    bool graph = false;         // its passes were one CUDA graph each
    std::string graphShortfall; // why not, where that was asked for on a GPU
    double peakTops = 0; // what the machine reaches in the arithmetic that ran; 0 where it was not measured
};

// What this machine can do at most, measured just before: the roofline that results stand under.
struct MachineFacts {
    std::string device;
    double fp32Tops = 0;
    std::optional<double> int8Tops, bf16Tops; // empty where there is no such kernel
    double bytesPerSecond = 0;                // memory read and written, by a copy that no cache holds
    std::string energySource;                 // of BenchResult::joules, or why there is none
};

struct BenchReport {
    MachineFacts machine;
    std::vector<BenchResult> results; // sizes in the order asked for, recipes within each
};

} // namespace kurtoscope
