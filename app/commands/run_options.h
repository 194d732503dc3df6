// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/terminal.h"
#include "core/data/process_backend.h"
#include "core/workbench.h"

#include <stop_token>
#include <string>
#include <vector>

namespace CLI {
class App;
class Validator;
} // namespace CLI

namespace kurtoscope::commands {

CLI::Validator atLeast(long low);               // a whole number, low or more
DeviceKind deviceKind(const std::string& word); // of --device: auto, cpu, cuda

// MODEL, --device, --threads, --state-memory, --seed: what every command that runs a model takes.
class ModelOptions {
public:
    void declare(CLI::App& app, const std::string& as = "MODEL", // or "--model"
                 const std::string& more = "");                  // to its help
    const std::string& given() const { return model_; }
    void set(const std::string& model, std::uint64_t seed) { model_ = model, options_.seed = seed; }
    void check() const; // throws Error when there is no such model; quick
    // Opens the model and says its warnings. Throws Error, Cancelled.
    Workbench open(ProgressLine& progress, std::stop_token stop) const;
    std::uint64_t seed() const { return options_.seed; }

private:
    std::string model_, device_ = "auto";
    WorkbenchOptions options_;
};

// --backend: of the commands that torchrun, mpirun or srun may start in several processes.
// nccl is there where what is summed may lie on GPUs.
class BackendOption {
public:
    enum class Sums { onTheProcessor, whereTheModelIs };
    void declare(CLI::App& app, Sums sums);
    ProcessBackend backend() const;

private:
    std::string word_ = "auto";
};

// --data, --task, --windows, --length, --calibration, --calibration-windows.
class DataOptions {
public:
    enum class Need { required, optional };
    void declare(CLI::App& app, Need need, bool withTask);
    void check() const; // throws Error when a file is not there
    void setDefaultPath(const std::string& path);
    void set(const DataRequest& request) { request_ = request; }
    const DataRequest& request() const { return request_; }

private:
    DataRequest request_;
};

// --recipe, once or often. Each is a recipe in words or the name of a recipe file.
class RecipeOptions {
public:
    enum class Number { one, many };
    void declare(CLI::App& app, Number number, bool required);
    // What was asked for, in that order; `otherwise` when nothing was. Throws UsageError for words that mean
    // no recipe, Error for a file that holds none.
    std::vector<Recipe> recipes(const std::vector<std::string>& otherwise);
    // The same against the open model: values, sites, channels.
    void validate(const Workbench& workbench, const std::vector<Recipe>& recipes) const;
    bool isGiven() const { return !texts_.empty(); }
    const std::vector<std::string>& names() const { return texts_; } // as they were typed

private:
    std::vector<std::string> texts_;
};

// --kernels, and with it how often each recipe runs: really, simulated, or one after the other.
class KernelOptions {
public:
    void declare(CLI::App& app);
    struct Runs {
        std::vector<Recipe> recipes;
        KernelChoices kernels;
        std::vector<std::string> names;
    };
    Runs runs(const std::vector<Recipe>& recipes, const std::vector<std::string>& names) const;

private:
    std::string kernels_ = "auto";
};

} // namespace kurtoscope::commands
