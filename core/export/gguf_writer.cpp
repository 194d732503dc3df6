// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/gguf_writer.h"

#include <bit>

namespace kurtoscope {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is written little-endian");

constexpr std::uint32_t version = 3, wholeType = 4, textType = 8, listType = 9, float32 = 0;
constexpr std::size_t alignment = 32;

template <class T>
void put(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void putText(std::string& to, const std::string& text) {
    put(to, static_cast<std::uint64_t>(text.size()));
    to += text;
}

void pad(std::string& bytes) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
}

} // namespace

void GgufWriter::key(const std::string& name, std::uint32_t type) {
    putText(keys_, name);
    put(keys_, type);
    ++keyCount_;
}

void GgufWriter::text(const std::string& name, const std::string& value) {
    key(name, textType);
    putText(keys_, value);
}

void GgufWriter::texts(const std::string& name, const std::vector<std::string>& values) {
    key(name, listType);
    put(keys_, textType);
    put(keys_, static_cast<std::uint64_t>(values.size()));
    for (const std::string& value : values)
        putText(keys_, value);
}

void GgufWriter::whole(const std::string& name, std::uint32_t value) {
    key(name, wholeType);
    put(keys_, value);
}

void GgufWriter::tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                        const std::vector<float>& values) {
    putText(tensors_, name);
    put(tensors_, static_cast<std::uint32_t>(shape.size()));
    for (const std::int64_t size : shape)
        put(tensors_, static_cast<std::uint64_t>(size));
    put(tensors_, float32);
    put(tensors_, static_cast<std::uint64_t>(data_.size()));
    data_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    pad(data_); // behind the last one too: llama.cpp reads whole multiples
    ++tensorCount_;
}

std::string GgufWriter::bytes() const {
    std::string all = "GGUF";
    put(all, version);
    put(all, tensorCount_);
    put(all, keyCount_);
    all += keys_ + tensors_;
    pad(all);
    return all + data_;
}

} // namespace kurtoscope
