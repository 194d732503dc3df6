// SPDX-License-Identifier: GPL-3.0-or-later
// The software an export is for, in a process of its own.
#include "core/export/export_check.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/export/embedded_files.h"
#include "core/export/export_steps.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "kurtoscope-check-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw Error(std::string("cannot make a folder: ") + std::strerror(errno), name,
                        "Check that /tmp is writable");
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code code;
        fs::remove_all(path_, code);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    fs::path operator/(const char* name) const { return path_ / name; }

private:
    fs::path path_;
};

// The exit code; its output goes to the files. −1: no such program. Throws Cancelled once the child has
// ended.
int run(const std::vector<std::string>& words, const fs::path& out, const fs::path& err,
        const std::stop_token& stop) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::vector<char*> arguments;
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return -1;
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (stop.stop_requested()) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            throw Cancelled();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

std::string lastLine(const fs::path& file) {
    std::string text = readFile(file);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
}

// What the script says of one way; an object without "way" where it said nothing.
nlohmann::ordered_json saidOf(const std::string& output, const std::string& way) {
    for (std::size_t begin = 0; begin < output.size();) {
        const std::size_t end = std::min(output.find('\n', begin), output.size());
        const auto line = nlohmann::ordered_json::parse(output.substr(begin, end - begin), nullptr, false);
        if (line.is_object() && line.contains("way") && line.at("way") == way) return line;
        begin = end + 1;
    }
    return nlohmann::ordered_json::object();
}

std::string versionsOf(const nlohmann::ordered_json& said) {
    std::string text;
    if (said.contains("versions") && said.at("versions").is_object())
        for (const auto& [name, version] : said.at("versions").items())
            text += (text.empty() ? "" : ", ") + name + " " +
                    (version.is_string() ? version.get<std::string>() : "");
    return text;
}

std::vector<std::vector<float>> answersIn(const fs::path& file, const char* name, std::size_t count) {
    const auto tensors = TensorFile::openSafetensors(file);
    std::vector<std::vector<float>> got;
    for (std::size_t i = 0; i < count; ++i) {
        const StoredTensor* answer = tensors->find(name + std::to_string(i));
        got.emplace_back(answer ? static_cast<std::size_t>(answer->elements()) : 0);
        if (answer) dequantize(*answer, got.back());
    }
    return got;
}

std::optional<StepsResult> stepsIn(const fs::path& expected, const fs::path& got,
                                   const nlohmann::ordered_json& said) {
    std::error_code code;
    if (expected.empty() || !fs::exists(got, code)) return std::nullopt;
    StepsResult result = compareSteps(expected, got);
    if (said.contains("steps") && said.at("steps").is_object()) {
        result.tipped = said.at("steps").value("tipped", std::int64_t{0});
        result.rounded = said.at("steps").value("rounded", std::int64_t{0});
    }
    return result;
}

} // namespace

std::vector<CheckResult> runPython(const ExportedFolder& exported, const std::string& python,
                                   const std::vector<ExportCheck>& checks, std::stop_token stop) {
    const TemporaryFolder place;
    const std::string program = python.empty() ? "python3" : python;
    const fs::path script = place / "verify_export.py";
    writeFileAtomically(script, embeddedFile("verify_export.py"));
    // All in one process: the libraries take longer to load than a small model.
    std::vector<std::string> words{program, "-E", script.string(), fs::absolute(exported.path).string(),
                                   (place / "").string()};
    for (const ExportCheck& check : checks)
        words.push_back(check.way);
    const int exit = run(words, place / "out", place / "err", stop);
    std::vector<CheckResult> results;
    const bool missing = exit == -1 || exit == 127;
    const std::string output = missing ? "" : readFile(place / "out");
    for (const ExportCheck& check : checks) {
        CheckResult result{check, "", "", 0, 0, {}};
        const auto said = saidOf(output, check.way);
        if (missing)
            result.skipped = "there is no program " + program;
        else if (said.contains("skipped"))
            result.skipped = said.value("skipped", "a library is missing");
        else if (!said.contains("way"))
            throw Error(check.way + " could not run it: " + lastLine(place / "err"), exported.path.string(),
                        "Run verify_export.py by hand to see all of it");
        if (result.ran()) {
            result.versions = versionsOf(said);
            const fs::path answers = place / (check.way + ".safetensors").c_str();
            compare(exported.probe.answers, answersIn(answers, answerName, exported.probe.ids.size()),
                    result);
            const auto byLibTorch = answersIn(answers, byLibTorchName, exported.probe.textIds.size());
            if (!byLibTorch.empty() && !byLibTorch.front().empty()) { // else it does not run on LibTorch
                CheckResult other;
                compare(exported.probe.byLibTorch, byLibTorch, other);
                result.byLibTorch = other.difference;
            }
            result.steps = stepsIn(exported.steps, place / (check.way + ".steps.safetensors").c_str(), said);
        }
        results.push_back(std::move(result));
    }
    return results;
}

} // namespace kurtoscope
