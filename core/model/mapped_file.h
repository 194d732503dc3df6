// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/export.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kurtoscope {

// A whole file as bytes, mapped read-only: pages are read when they are touched. Immutable; any thread. The
// file must not be cut short while it is mapped.
class KURTOSCOPE_API MappedFile {
public:
    // Throws Error: missing, a folder, not a regular file, not readable, empty.
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file);
    // The same over bytes in memory, for tests and fuzzing; `name` stands in messages.
    static std::shared_ptr<const MappedFile> fromBytes(std::vector<std::byte> bytes,
                                                       std::filesystem::path name);

    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    const std::filesystem::path& path() const { return path_; }
    std::span<const std::byte> bytes() const { return bytes_; }

    // What a Python pickle or a zip (PyTorch's container) begins with, or a name that promises one.
    bool looksLikePickle() const;

private:
    explicit MappedFile(std::filesystem::path file);

    std::filesystem::path path_;
    std::span<const std::byte> bytes_;
    std::vector<std::byte> owned_; // empty for a real map
};

} // namespace kurtoscope
