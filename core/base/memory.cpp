// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace kurtoscope {
namespace {

// The number behind `key` on a line of its own.
std::optional<std::int64_t> valueAt(const char* file, std::string_view key) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key)) return std::stoll(line.substr(key.size()));
    return std::nullopt;
}

std::int64_t kilobytesAt(const char* file, std::string_view key, std::int64_t otherwise) {
    const auto kilobytes = valueAt(file, key);
    return kilobytes ? *kilobytes * 1024 : otherwise;
}

struct Group {
    const char *limit, *usage, *statistics, *cache;
};

std::optional<std::int64_t> numberIn(const char* file) {
    std::ifstream stream(file);
    std::int64_t value = 0;
    if (!(stream >> value)) return std::nullopt; // "max": no limit
    return value;
}

} // namespace

std::int64_t availableBytes() {
    std::int64_t available =
        kilobytesAt("/proc/meminfo", "MemAvailable:", std::numeric_limits<std::int64_t>::max());
    for (const Group& group :
         {Group{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat",
                "inactive_file "},
          Group{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file "}})
        if (const auto most = numberIn(group.limit), used = numberIn(group.usage); most && used) {
            const std::int64_t cached = valueAt(group.statistics, group.cache).value_or(0);
            available = std::min(available, std::max<std::int64_t>(0, *most - *used + cached));
        }
    return available;
}

std::int64_t residentBytes() {
    return kilobytesAt("/proc/self/status", "VmRSS:", 0);
}

std::int64_t peakResidentBytes() {
    return kilobytesAt("/proc/self/status", "VmHWM:", 0);
}

bool forgetPeak() {
    std::ofstream refs("/proc/self/clear_refs");
    refs << "5" << std::flush;
    return refs.good();
}

} // namespace kurtoscope
