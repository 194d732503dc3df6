// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/known_models.h"

#include "core/base/error.h"
#include "core/workbench.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace kurtoscope {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// Beside the sources in a build, share/kurtoscope beside bin/ in an installation.
fs::path shared(const char* name) {
    std::error_code code;
    const fs::path inSources = fs::path(KURTOSCOPE_SOURCE_DIR) / name;
    if (fs::exists(inSources, code)) return inSources;
    return fs::read_symlink("/proc/self/exe", code).parent_path().parent_path() / "share/kurtoscope" / name;
}

fs::path huggingFaceCache() {
    if (const std::string hub = environment("HF_HUB_CACHE"); !hub.empty()) return hub;
    if (const std::string home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
    if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
        return fs::path(cache) / "huggingface/hub";
    return fs::path(environment("HOME")) / ".cache/huggingface/hub";
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

} // namespace

std::vector<KnownFolder> modelFolders() {
    const std::string asked = environment("KURTOSCOPE_MODELS_DIR");
    return {{shared("sample_models").string(), "bundled"},
            {asked.empty() ? KURTOSCOPE_MODELS_DIR : asked, "fetched"},
            {huggingFaceCache().string(), "Hugging Face cache"}};
}

std::vector<KnownModel> knownModels(std::stop_token stop) {
    std::vector<std::string> folders;
    for (const auto& folder : modelFolders())
        folders.push_back(folder.origin + "=" + folder.path);
    return Workbench::knownModels(folders, stop);
}

std::string modelPath(const std::string& pathOrName) {
    std::error_code code;
    if (fs::exists(pathOrName, code)) return pathOrName;
    for (const KnownModel& model : knownModels())
        if (lower(model.name) == lower(pathOrName)) return model.path;
    throw Error("there is no model here", pathOrName,
                "Give a Hugging Face folder, a GGUF file, or a name that `kurtoscope models` lists");
}

std::string resourceFile(const std::string& name) {
    std::error_code code;
    const fs::path file = shared("resources") / name;
    return fs::exists(file, code) ? file.string() : "";
}

} // namespace kurtoscope
