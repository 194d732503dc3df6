// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/seen_checkpoints.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/data/fingerprint.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace kurtoscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int format = 1; // raised when what is looked at, or how it is written, changes
constexpr const char* ending = ".seen";

// The figures of a site, in the order in which they are written.
constexpr double EmergenceSite::*figures[] = {&EmergenceSite::kurtosis, &EmergenceSite::maxToMedian,
                                              &EmergenceSite::weightKurtosis, &EmergenceSite::weightError,
                                              &EmergenceSite::outputKurtosis};

json written(const EmergenceSite& site) {
    json values = json::array();
    for (const auto figure : figures)
        values.push_back(site.*figure);
    return {{"site", site.site.name()},
            {"magnitude", site.magnitude},
            {"outliers", site.outliers},
            {"figures", values}};
}

EmergenceSite read(const json& from) {
    EmergenceSite site;
    site.site = Site::fromName(from.at("site").get<std::string>());
    site.magnitude = from.at("magnitude").get<std::vector<float>>();
    site.outliers = from.at("outliers").get<std::set<int>>();
    const auto values = from.at("figures").get<std::vector<double>>();
    const bool inside = site.outliers.empty() ||
                        (*site.outliers.begin() >= 0 && *site.outliers.rbegin() < int(site.magnitude.size()));
    if (values.size() != std::size(figures) || site.magnitude.empty() || !inside)
        throw Error("is damaged", "", "");
    for (std::size_t i = 0; i < values.size(); ++i)
        site.*figures[i] = values[i];
    return site;
}

} // namespace

std::string SeenCheckpoints::name(const fs::path& checkpoint, const fs::path& text, int windows, int length,
                                  const std::string& device) {
    // Not the folder as a whole: what going on takes lies beside the newest checkpoint's files for a while.
    const std::string weights = fingerprint((checkpoint / "model.safetensors").string()),
                      shape = fingerprint((checkpoint / "config.json").string()),
                      data = fingerprint(text.string());
    if (weights.empty() || shape.empty() || data.empty()) return {};
    return weights + '-' + shape + '-' + data + '-' + std::to_string(windows) + 'x' + std::to_string(length) +
           '-' + device + '-' + std::to_string(format) + ending;
}

std::optional<EmergenceStep> SeenCheckpoints::find(const std::string& name) const {
    if (folder_.empty() || name.empty()) return std::nullopt;
    try {
        const std::string bytes = readFile(folder_ / name);
        EmergenceStep seen;
        for (const json& site : json::from_cbor(bytes))
            seen.sites.push_back(read(site));
        if (!seen.sites.empty()) return seen;
    } catch (const Error&) { // it is not there, mostly
    } catch (const json::exception&) {
    }
    return std::nullopt;
}

void SeenCheckpoints::keep(const std::string& name, const EmergenceStep& seen) const {
    if (folder_.empty() || name.empty()) return;
    json sites = json::array();
    for (const EmergenceSite& site : seen.sites)
        sites.push_back(written(site));
    std::string bytes;
    json::to_cbor(sites, bytes); // four bytes for a float
    std::error_code code;
    fs::create_directories(folder_, code);
    try {
        writeFileAtomically(folder_ / name, bytes);
    } catch (const Error&) {
        return;
    }
    letOldOnesGo();
}

void SeenCheckpoints::letOldOnesGo() const {
    std::error_code code;
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    for (fs::directory_iterator entry(folder_, code), end; !code && entry != end; entry.increment(code)) {
        std::error_code unknown;
        const auto when = fs::last_write_time(entry->path(), unknown);
        if (!unknown && entry->path().extension() == ending) files.emplace_back(when, entry->path());
    }
    if (files.size() <= most) return;
    std::sort(files.begin(), files.end());
    files.resize(files.size() - most);
    for (const auto& old : files)
        fs::remove(old.second, code);
}

} // namespace kurtoscope
