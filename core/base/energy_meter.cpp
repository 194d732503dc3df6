// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/energy_meter.h"

#include <algorithm>
#include <dlfcn.h>
#include <fstream>

namespace kurtoscope {
namespace {

namespace fs = std::filesystem;

template <class Value>
std::optional<Value> read(const fs::path& file) {
    std::ifstream stream(file);
    Value value;
    if (!(stream >> value)) return std::nullopt;
    return value;
}

// NVML by its C interface, out of the driver's own library: device 0 and what reads its energy.
template <class Function>
Function symbol(void* library, const char* name) {
    return reinterpret_cast<Function>(dlsym(library, name));
}

} // namespace

EnergyMeter::EnergyMeter(bool gpu, const fs::path& powercap) {
    if (gpu) {
        source_ = "NVML tells no energy of this GPU";
        void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
        if (!library) return;
        const auto begin = symbol<int (*)()>(library, "nvmlInit_v2");
        const auto deviceAt = symbol<int (*)(unsigned, void**)>(library, "nvmlDeviceGetHandleByIndex_v2");
        const auto energy = symbol<GpuEnergy>(library, "nvmlDeviceGetTotalEnergyConsumption");
        if (!begin || !deviceAt || !energy || begin() != 0 || deviceAt(0, &gpu_) != 0 ||
            energy(gpu_, &gpuStart_) != 0)
            return;
        gpuEnergy_ = energy;
        source_ = "NVML";
        return;
    }
    std::error_code code;
    bool refused = false;
    std::vector<std::pair<std::string, Counter>> found;
    for (fs::directory_iterator folder(powercap, code), end; !code && folder != end; folder.increment(code)) {
        // A package is "intel-rapl:0" (AMD's too); parts of it have a second colon.
        const std::string name = folder->path().filename().string();
        if (std::ranges::count(name, ':') != 1) continue;
        const std::string domain = read<std::string>(folder->path() / "name").value_or("");
        if (!domain.starts_with("package")) continue;
        const fs::path file = folder->path() / "energy_uj";
        if (const auto start = read<std::uint64_t>(file))
            found.push_back(
                {domain,
                 {file, read<std::uint64_t>(folder->path() / "max_energy_range_uj").value_or(0), *start}});
        else
            refused = true;
    }
    std::ranges::sort(found, {}, [](const auto& one) { return one.first; });
    for (auto& [domain, counter] : found) {
        source_ += (source_.empty() ? "RAPL " : " + ") + domain;
        counters_.push_back(std::move(counter));
    }
    if (found.empty())
        source_ = refused ? "RAPL's counters may be read by root only" : "this system has no energy counters";
}

std::optional<double> EnergyMeter::joules() {
    if (gpuEnergy_) {
        unsigned long long now = 0;
        if (gpuEnergy_(gpu_, &now) != 0) return std::nullopt;
        return double(now - gpuStart_) / 1e3;
    }
    if (counters_.empty()) return std::nullopt;
    for (Counter& counter : counters_) {
        const auto now = read<std::uint64_t>(counter.energy);
        if (!now) return std::nullopt;
        const std::uint64_t taken =
            *now >= counter.last ? *now - counter.last : *now + counter.range - counter.last;
        joules_ += double(taken) / 1e6;
        counter.last = *now;
    }
    return joules_;
}

} // namespace kurtoscope
