// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/block_formats.h"
#include "core/model/gguf.h"

#include <array>

namespace kurtoscope {
namespace {

[[noreturn]] void refuseKey(const GgufFile& file, const std::string& key, const std::string& what) {
    throw Error("key " + inQuotes(key) + " " + what, file.path().string(),
                "Convert the model again with a current llama.cpp");
}

const GgufValue& lookUp(const GgufFile& file, const std::string& key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end()) refuseKey(file, key, "is missing");
    return found->second;
}

const char* valueName(const GgufValue& value) {
    static constexpr std::array names = {"a whole number", "a number", "a yes or no", "a text", "an array"};
    static constexpr std::array arrays = {"an array of whole numbers", "an array of numbers",
                                          "an array of texts"};
    if (const auto* array = std::get_if<GgufArray>(&value)) return arrays[array->index()];
    return names[value.index()];
}

[[noreturn]] void refuseType(const GgufFile& file, const std::string& key, const char* expected) {
    refuseKey(file, key, std::string("is ") + valueName(lookUp(file, key)) + ", expected " + expected);
}

template <class T>
const T& one(const GgufFile& file, const std::string& key, const char* expected) {
    const T* held = std::get_if<T>(&lookUp(file, key));
    if (!held) refuseType(file, key, expected);
    return *held;
}

template <class T>
const std::vector<T>& each(const GgufFile& file, const std::string& key, const char* expected) {
    const auto* array = std::get_if<GgufArray>(&lookUp(file, key));
    if (!array || !std::holds_alternative<std::vector<T>>(*array)) refuseType(file, key, expected);
    return std::get<std::vector<T>>(*array);
}

} // namespace

std::int64_t GgufFile::integer(const std::string& key) const {
    return one<std::int64_t>(*this, key, "a whole number");
}

double GgufFile::number(const std::string& key) const {
    if (const auto* whole = std::get_if<std::int64_t>(&lookUp(*this, key)))
        return static_cast<double>(*whole);
    return one<double>(*this, key, "a number");
}

std::string GgufFile::text(const std::string& key) const {
    return one<std::string>(*this, key, "a text");
}

bool GgufFile::flag(const std::string& key) const {
    return one<bool>(*this, key, "a yes or no");
}

const std::vector<std::string>& GgufFile::texts(const std::string& key) const {
    return each<std::string>(*this, key, "an array of texts");
}

const std::vector<std::int64_t>& GgufFile::integers(const std::string& key) const {
    return each<std::int64_t>(*this, key, "an array of whole numbers");
}

} // namespace kurtoscope
