// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/export_folder.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdlib.h>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

std::string sizeText(std::int64_t bytes) {
    const double mega = double(bytes) / 1e6;
    const auto rounded = static_cast<std::int64_t>(mega < 1000 ? mega + 0.5 : mega / 100 + 0.5);
    return mega < 1000 ? std::to_string(rounded) + " MB"
                       : std::to_string(rounded / 10) + "." + std::to_string(rounded % 10) + " GB";
}

// Only what is surely an export of ours may be replaced.
bool mayBeReplaced(const fs::path& target) {
    std::error_code code;
    return fs::is_directory(target, code) &&
           (fs::is_empty(target, code) || fs::is_regular_file(target / exportReportName, code));
}

fs::path asideOf(const fs::path& target, const char* end) {
    std::string name = (target.parent_path() / ("." + target.filename().string() + end + "XXXXXX")).string();
    if (!::mkdtemp(name.data()))
        throw Error(std::string("cannot make a folder: ") + std::strerror(errno),
                    target.parent_path().string(), "Check that you may write there");
    fs::permissions(name, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                              fs::perms::others_read | fs::perms::others_exec);
    return name;
}

} // namespace

ExportFolder::ExportFolder(const fs::path& target, bool force, std::int64_t bytes, std::stop_token stop,
                           const OnProgress& progress)
    : stop_(std::move(stop)), progress_(progress) {
    std::error_code code;
    if (target.empty()) throw Error("no folder is named to export to", "", "Name one that does not exist");
    target_ = fs::absolute(target).lexically_normal();
    if (!target_.has_filename()) target_ = target_.parent_path(); // "folder/"
    if (fs::exists(fs::symlink_status(target_, code))) {
        if (!force)
            throw Error("exists already", target.string(),
                        "Name another folder, or replace it with --force if it is an earlier export");
        if (!mayBeReplaced(target_))
            throw Error("is no earlier export of Kurtoscope, so it is not replaced", target.string(),
                        "Name another folder, or remove this one yourself");
    }
    if (!fs::is_directory(target_.parent_path(), code))
        throw Error("there is no folder to put it into", target_.parent_path().string(), "Make it first");
    const fs::space_info space = fs::space(target_.parent_path(), code);
    const std::int64_t margin = 1 << 20;
    if (!code && space.available < static_cast<std::uintmax_t>(bytes + margin))
        throw Error("needs about " + sizeText(bytes) + ", but only " +
                        sizeText(static_cast<std::int64_t>(space.available)) + " are free",
                    target_.parent_path().string(), "Free some room, or export to another disk");
    aside_ = asideOf(target_, ".partial-");
}

ExportFolder::~ExportFolder() {
    std::error_code code;
    if (!done_) fs::remove_all(aside_, code);
}

void ExportFolder::write(const std::string& name, std::string_view text) {
    throwIfStopped();
    writeFileAtomically(file(name), text);
}

void ExportFolder::copy(const fs::path& from, const std::string& name) {
    throwIfStopped();
    std::error_code code;
    fs::copy_file(from, file(name), fs::copy_options::overwrite_existing, code);
    if (code) throw Error("cannot be copied: " + code.message(), from.string(), "Check that you may read it");
    fs::permissions(file(name), fs::perms::owner_write, fs::perm_options::add, code);
}

void ExportFolder::tell(const std::string& phase, std::int64_t done, std::int64_t total) const {
    throwIfStopped();
    if (progress_) progress_({phase, done, total, -1});
}

void ExportFolder::throwIfStopped() const {
    if (stop_.stop_requested()) throw Cancelled();
}

void ExportFolder::commit() {
    throwIfStopped();
    std::error_code code;
    fs::path old;
    if (fs::exists(target_, code)) {
        old = asideOf(target_, ".old-");
        fs::rename(target_, old, code); // over an empty folder
        if (code)
            throw Error("cannot be moved away: " + code.message(), target_.string(), "Remove it yourself");
    }
    fs::rename(aside_, target_, code);
    if (code) {
        const std::string why = code.message();
        if (!old.empty()) fs::rename(old, target_, code);
        throw Error("cannot be moved to its place: " + why, target_.string(),
                    "Check that you may write there");
    }
    done_ = true;
    if (!old.empty()) fs::remove_all(old, code);
}

std::vector<std::string> ExportFolder::files() const {
    std::vector<std::string> names;
    const fs::path root = done_ ? target_ : aside_;
    for (const auto& entry : fs::recursive_directory_iterator(root))
        if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), root).string());
    std::sort(names.begin(), names.end());
    return names;
}

std::int64_t ExportFolder::bytes() const {
    std::int64_t sum = 0;
    for (const std::string& name : files())
        sum += static_cast<std::int64_t>(fs::file_size((done_ ? target_ : aside_) / name));
    return sum;
}

} // namespace kurtoscope
