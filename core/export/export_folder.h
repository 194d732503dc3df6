// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/base/progress.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

inline constexpr const char* exportReportName = "kurtoscope_export.json"; // in every folder that is an export

// A folder that is written aside and takes its place as a whole: until commit() nothing stands at `target`,
// and what was written goes with this object. Throws Error; Cancelled where a stop was asked for.
class KURTOSCOPE_API ExportFolder {
public:
    // Refuses a target that exists, unless `force` is given and it is an earlier export or an empty folder,
    // and a disk with less than `bytes` free.
    ExportFolder(const std::filesystem::path& target, bool force, std::int64_t bytes, std::stop_token stop,
                 const OnProgress& progress);
    ~ExportFolder();
    ExportFolder(const ExportFolder&) = delete;
    ExportFolder& operator=(const ExportFolder&) = delete;

    std::filesystem::path file(const std::string& name) const { return aside_ / name; } // to be written
    void write(const std::string& name, std::string_view text);
    void copy(const std::filesystem::path& from, const std::string& name);
    void tell(const std::string& phase, std::int64_t done, std::int64_t total) const;
    void throwIfStopped() const;
    const std::stop_token& stop() const { return stop_; }

    void commit();                          // moves it to its place; an earlier export there goes
    std::vector<std::string> files() const; // names, sorted
    std::int64_t bytes() const;             // of all of them

private:
    std::filesystem::path target_, aside_;
    std::stop_token stop_;
    const OnProgress& progress_;
    bool done_ = false;
};

} // namespace kurtoscope
