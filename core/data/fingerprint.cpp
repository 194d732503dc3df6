// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

namespace kurtoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t readAtEachEnd = 1 << 20;

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
class Hash {
public:
    void add(const char* bytes, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            state_ = (state_ ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3ULL;
    }
    void add(const std::string& text) { add(text.c_str(), text.size() + 1); }
    std::string text() const {
        std::array<char, 32> out{};
        std::snprintf(out.data(), out.size(), "fnv1a-%016llx", static_cast<unsigned long long>(state_));
        return out.data();
    }

private:
    std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

bool addFile(Hash& hash, const fs::path& path) {
    std::error_code code;
    const std::uintmax_t size = fs::file_size(path, code);
    std::ifstream in(path, std::ios::binary);
    if (code || !in) return false;
    hash.add(std::to_string(size));
    std::vector<char> bytes(static_cast<std::size_t>(std::min(size, readAtEachEnd)));
    const auto read = [&](std::uintmax_t from) {
        in.seekg(static_cast<std::streamoff>(from));
        in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        hash.add(bytes.data(), static_cast<std::size_t>(in.gcount()));
    };
    read(0);
    if (size > readAtEachEnd) read(size - bytes.size());
    return true;
}

// What a model folder's answers depend on; a text or a note beside it is not.
bool belongsToModel(const fs::path& file) {
    constexpr std::array names{"config.json",
                               "tokenizer.json",
                               "tokenizer_config.json",
                               "vocab.txt",
                               "vocab.json",
                               "merges.txt",
                               "added_tokens.json",
                               "modules.json",
                               "tokenizer.model",
                               "generation_config.json",
                               "special_tokens_map.json",
                               "sentence_bert_config.json"};
    const std::string name = file.filename().string();
    return file.extension() == ".safetensors" || name.ends_with(".safetensors.index.json") ||
           std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

std::string fingerprint(const std::string& path) {
    Hash hash;
    std::error_code code;
    if (!fs::is_directory(path, code)) return addFile(hash, path) ? hash.text() : "";
    std::vector<fs::path> files;
    for (fs::recursive_directory_iterator entry(path, code), end; !code && entry != end;
         entry.increment(code)) {
        if (entry.depth() > 1) entry.disable_recursion_pending(); // modules lie one folder down
        std::error_code kind;
        if (entry->is_regular_file(kind) && belongsToModel(entry->path())) files.push_back(entry->path());
    }
    if (files.empty()) return "";
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        hash.add(file.lexically_relative(path).string());
        if (!addFile(hash, file)) return "";
    }
    return hash.text();
}

} // namespace kurtoscope
