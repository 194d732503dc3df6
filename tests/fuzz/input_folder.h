// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace kurtoscope::test {

// A folder of this process for readers that take a path, gone when the process ends by itself.
class InputFolder {
public:
    explicit InputFolder(const std::string& name)
        : path_(std::filesystem::temp_directory_path() /
                ("kurtoscope_fuzz_" + name + "_" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path_);
    }
    InputFolder(const InputFolder&) = delete;
    InputFolder& operator=(const InputFolder&) = delete;
    ~InputFolder() {
        std::error_code code; // a folder left behind is no finding
        std::filesystem::remove_all(path_, code);
    }

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& file, std::string_view bytes) const {
        const auto whole = path_ / file;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole, std::ios::binary)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return whole;
    }

private:
    std::filesystem::path path_;
};

inline std::string_view asText(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

} // namespace kurtoscope::test
