// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kurtoscope {

// A small GGUF file of float32 tensors in memory: version 3, little-endian, tensors at multiples of 32 bytes.
// Layout: github.com/ggml-org/ggml, docs/gguf.md.
class GgufWriter {
public:
    void text(const std::string& key, const std::string& value);
    void texts(const std::string& key, const std::vector<std::string>& values);
    void whole(const std::string& key, std::uint32_t value);
    // `shape` innermost dimension first, as GGUF stores it.
    void tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                const std::vector<float>& values);

    std::string bytes() const;

private:
    void key(const std::string& name, std::uint32_t type);

    std::string keys_, tensors_, data_;
    std::uint64_t keyCount_ = 0, tensorCount_ = 0;
};

} // namespace kurtoscope
