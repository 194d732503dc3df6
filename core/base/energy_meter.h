// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

// Joules that the processor packages (Linux's powercap, RAPL) or an NVIDIA GPU (NVML) say they have taken.
// Most systems let only root read RAPL. What tells nothing is absent, never guessed.
class KURTOSCOPE_API EnergyMeter {
public:
    explicit EnergyMeter(bool gpu = false, const std::filesystem::path& powercap = "/sys/class/powercap");

    // Since the meter was made; empty where nothing tells. Ask more often than a counter wraps (minutes).
    std::optional<double> joules();
    const std::string& source() const {
        return source_;
    } // "RAPL package-0 + package-1", "NVML", or why nothing tells

private:
    struct Counter {
        std::filesystem::path energy;
        std::uint64_t range = 0; // microjoules at which it begins again; 0: not known
        std::uint64_t last = 0;
    };
    std::vector<Counter> counters_;
    double joules_ = 0;
    std::string source_;
    using GpuEnergy = int (*)(void* device, unsigned long long* millijoules);
    GpuEnergy gpuEnergy_ = nullptr;
    void* gpu_ = nullptr;
    unsigned long long gpuStart_ = 0;
};

} // namespace kurtoscope
