// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gguf.h"

#include "core/model/block_formats.h"
#include "core/model/mapped_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

// Format: github.com/ggml-org/ggml, docs/gguf.md.
namespace kurtoscope {
namespace {

constexpr const char* downloadAgain = "Download the file again";
constexpr std::uint32_t longestAlignment = 1u << 20;

struct TypeNumber {
    std::uint32_t number;
    StoredType type;
};
constexpr std::array typeNumbers = {
    TypeNumber{0, StoredType::F32},   TypeNumber{1, StoredType::F16},   TypeNumber{2, StoredType::Q4_0},
    TypeNumber{3, StoredType::Q4_1},  TypeNumber{6, StoredType::Q5_0},  TypeNumber{7, StoredType::Q5_1},
    TypeNumber{8, StoredType::Q8_0},  TypeNumber{10, StoredType::Q2_K}, TypeNumber{11, StoredType::Q3_K},
    TypeNumber{12, StoredType::Q4_K}, TypeNumber{13, StoredType::Q5_K}, TypeNumber{14, StoredType::Q6_K},
    TypeNumber{24, StoredType::I8},   TypeNumber{25, StoredType::I16},  TypeNumber{26, StoredType::I32},
    TypeNumber{27, StoredType::I64},  TypeNumber{28, StoredType::F64},  TypeNumber{30, StoredType::BF16},
};

// Types of values in the metadata.
enum class ValueType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };

// Fewest bytes that one value takes, or 0 for a type there is not.
std::uint64_t leastBytes(ValueType type) {
    switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
        return 1;
    case ValueType::u16:
    case ValueType::i16:
        return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
        return 4;
    case ValueType::text:
    case ValueType::u64:
    case ValueType::i64:
    case ValueType::f64:
        return 8;
    case ValueType::array:
        return 12;
    }
    return 0;
}

// Reads forward through the file; what lies beyond its end is refused, never touched.
class Cursor {
public:
    Cursor(std::span<const std::byte> bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

    std::uint64_t position() const { return position_; }
    std::uint64_t left() const { return bytes_.size() - position_; }

    [[noreturn]] void refuse(const std::string& what, const std::string& hint = downloadAgain) const {
        throw Error(what, where_, hint);
    }
    void need(std::uint64_t bytes, const std::string& part) const {
        if (bytes > left())
            refuse("the file is cut short: " + part + " needs " + std::to_string(bytes) + " bytes at byte " +
                   std::to_string(position_) + ", but " + std::to_string(left()) + " are left");
    }
    // Refuses a count that the rest of the file cannot hold, before anything is made as large as it.
    void needEach(std::uint64_t count, std::uint64_t least, const std::string& part) const {
        if (count > left() / least)
            refuse("the file is cut short: " + std::to_string(count) + " " + part + " expected, but " +
                   std::to_string(left()) + " bytes are left");
    }
    template <class T>
    T take(const std::string& part) {
        need(sizeof(T), part);
        T value;
        std::memcpy(&value, bytes_.data() + position_, sizeof value);
        position_ += sizeof value;
        return value;
    }
    std::string takeText(const std::string& part) {
        const auto length = take<std::uint64_t>(part);
        need(length, part);
        std::string text(reinterpret_cast<const char*>(bytes_.data()) + position_,
                         static_cast<std::size_t>(length));
        position_ += length;
        return text;
    }

private:
    std::span<const std::byte> bytes_;
    std::string where_;
    std::uint64_t position_ = 0;
};

class MappedGguf final : public GgufFile {
public:
    explicit MappedGguf(std::shared_ptr<const MappedFile> file)
        : file_(std::move(file)), in_(file_->bytes(), file_->path().string()) {
        readHeader();
        for (std::uint64_t i = 0; i < valueCount_; ++i)
            readPair();
        readTensors();
    }
    const std::vector<StoredTensor>& tensors() const override { return tensors_; }
    std::int64_t fileBytes() const override { return static_cast<std::int64_t>(file_->bytes().size()); }
    const std::map<std::string, GgufValue>& metadata() const override { return metadata_; }
    const std::filesystem::path& path() const override { return file_->path(); }

private:
    void readHeader() {
        const auto magic =
            in_.left() < 4 ? std::array<char, 4>{} : in_.take<std::array<char, 4>>("the magic number");
        if (std::string_view(magic.data(), 4) != "GGUF") {
            if (file_->looksLikePickle()) throw pickleRefusal(file_->path());
            const auto bytes = file_->bytes();
            if (bytes.size() > 8 && bytes[8] == std::byte{'{'})
                in_.refuse("this is a safetensors file under another name",
                           "Rename it model.safetensors and open the folder with its config.json");
            in_.refuse("this is not a GGUF file: it does not begin with GGUF",
                       "Open a .gguf or .safetensors file, or a model folder");
        }
        const auto version = in_.take<std::uint32_t>("the version");
        if ((version & 0xFFFFu) == 0 && version != 0)
            in_.refuse("this GGUF file is big-endian, expected little-endian",
                       "Convert it with gguf-convert-endian");
        if (version != 2 && version != 3)
            in_.refuse("GGUF version " + std::to_string(version) + ", expected 2 or 3",
                       "Convert the model again with a current llama.cpp");
        tensorCount_ = in_.take<std::uint64_t>("the number of tensors");
        valueCount_ = in_.take<std::uint64_t>("the number of metadata values");
        in_.needEach(valueCount_, 8 + 4 + 1, "metadata values");
    }

    void readPair() {
        std::string key = in_.takeText("a metadata key");
        const std::string part = "key " + inQuotes(key);
        const ValueType type = readType(part);
        GgufValue value = type == ValueType::array ? GgufValue(readArray(part)) : readScalar(type, part);
        if (!metadata_.emplace(std::move(key), std::move(value)).second)
            in_.refuse(part + " stands twice, expected once");
    }

    ValueType readType(const std::string& part) {
        const auto number = in_.take<std::uint32_t>(part);
        const auto type = static_cast<ValueType>(number);
        if (leastBytes(type) == 0)
            in_.refuse(part + " has value type " + std::to_string(number) + ", expected 0 to 12");
        return type;
    }

    // Whole numbers as int64, others as they are. Unsigned ones beyond int64 turn into doubles: nothing that
    // is looked up is that large, and such a number must not keep the file from opening.
    GgufValue readScalar(ValueType type, const std::string& part) {
        switch (type) {
        case ValueType::u8:
            return std::int64_t{in_.take<std::uint8_t>(part)};
        case ValueType::i8:
            return std::int64_t{in_.take<std::int8_t>(part)};
        case ValueType::u16:
            return std::int64_t{in_.take<std::uint16_t>(part)};
        case ValueType::i16:
            return std::int64_t{in_.take<std::int16_t>(part)};
        case ValueType::u32:
            return std::int64_t{in_.take<std::uint32_t>(part)};
        case ValueType::i32:
            return std::int64_t{in_.take<std::int32_t>(part)};
        case ValueType::f32:
            return double{in_.take<float>(part)};
        case ValueType::boolean:
            return in_.take<std::uint8_t>(part) != 0;
        case ValueType::text:
            return in_.takeText(part);
        case ValueType::i64:
            return in_.take<std::int64_t>(part);
        case ValueType::f64:
            return in_.take<double>(part);
        case ValueType::u64: {
            const auto value = in_.take<std::uint64_t>(part);
            if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
            return static_cast<double>(value);
        }
        case ValueType::array:
            break;
        }
        in_.refuse(part + " is an array, expected one value");
    }

    GgufArray readArray(const std::string& part) {
        const ValueType type = readType(part);
        if (type == ValueType::array)
            in_.refuse(part + " is an array of arrays, expected numbers or texts",
                       "Convert the model again with a current llama.cpp");
        const auto count = in_.take<std::uint64_t>(part);
        in_.needEach(count, leastBytes(type), "values of " + part);
        if (type == ValueType::text) return readEach<std::string>(type, count, part);
        if (type == ValueType::f32 || type == ValueType::f64) return readEach<double>(type, count, part);
        return readEach<std::int64_t>(type, count, part);
    }

    template <class T>
    std::vector<T> readEach(ValueType type, std::uint64_t count, const std::string& part) {
        std::vector<T> values;
        values.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            auto value = readScalar(type, part);
            if constexpr (std::is_same_v<T, std::int64_t>)
                if (const bool* flag = std::get_if<bool>(&value)) value = std::int64_t{*flag};
            T* held = std::get_if<T>(&value);
            if (!held) in_.refuse(part + " has a number beyond 63 bits");
            values.push_back(std::move(*held));
        }
        return values;
    }

    void readTensors() {
        in_.needEach(tensorCount_, 8 + 4 + 4 + 8, "tensors");
        const std::uint64_t alignment = readAlignment();
        std::vector<std::uint64_t> offsets;
        tensors_.reserve(tensorCount_);
        offsets.reserve(tensorCount_);
        for (std::uint64_t i = 0; i < tensorCount_; ++i) {
            tensors_.push_back(readTensor());
            offsets.push_back(in_.take<std::uint64_t>("tensor " + inQuotes(tensors_.back().name)));
        }
        const std::uint64_t start = (in_.position() + alignment - 1) / alignment * alignment;
        placeTensors(start, alignment, offsets);
        std::ranges::sort(tensors_, {}, &StoredTensor::name);
        const auto twice = std::ranges::adjacent_find(tensors_, {}, &StoredTensor::name);
        if (twice != tensors_.end())
            in_.refuse("tensor " + inQuotes(twice->name) + " stands twice, expected once");
    }

    std::uint64_t readAlignment() const {
        if (!has("general.alignment")) return 32;
        const auto alignment = integer("general.alignment");
        if (alignment < 1 || alignment > longestAlignment ||
            !std::has_single_bit(static_cast<std::uint64_t>(alignment)))
            in_.refuse("key \"general.alignment\" is " + std::to_string(alignment) +
                       ", expected a power of two up to " + std::to_string(longestAlignment));
        return static_cast<std::uint64_t>(alignment);
    }

    StoredTensor readTensor() {
        StoredTensor tensor;
        tensor.name = in_.takeText("a tensor's name");
        const std::string part = "tensor " + inQuotes(tensor.name);
        const auto dimensions = in_.take<std::uint32_t>(part);
        if (dimensions > 4)
            in_.refuse(part + " has " + std::to_string(dimensions) + " dimensions, expected at most 4");
        for (std::uint32_t i = 0; i < dimensions; ++i) {
            const auto size = in_.take<std::uint64_t>(part);
            if (!std::in_range<std::int64_t>(size))
                in_.refuse(part + " has a dimension of " + std::to_string(size) + ", which is too large");
            tensor.shape.push_back(static_cast<std::int64_t>(size));
        }
        std::ranges::reverse(tensor.shape); // GGUF puts the innermost first
        const auto number = in_.take<std::uint32_t>(part);
        const auto known = std::ranges::find(typeNumbers, number, &TypeNumber::number);
        if (known == typeNumbers.end())
            in_.refuse(part + " has type number " + std::to_string(number) +
                           ", expected F32, F16, BF16, F64, an integer, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 or Q2_K "
                           "to Q6_K",
                       "Take another file of this model, such as its Q8_0 or Q4_K one");
        tensor.type = known->type;
        return tensor;
    }

    void placeTensors(std::uint64_t start, std::uint64_t alignment,
                      const std::vector<std::uint64_t>& offsets) {
        const auto all = file_->bytes();
        const std::uint64_t size = start <= all.size() ? all.size() - start : 0;
        std::vector<std::pair<std::uint64_t, std::size_t>> order;
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            StoredTensor& tensor = tensors_[i];
            const std::string part = "tensor " + inQuotes(tensor.name);
            const std::string described =
                std::string(storedTypeName(tensor.type)) + " " + shapeText(tensor.shape);
            const auto bytes = storedBytes(tensor.type, tensor.shape);
            if (!bytes)
                in_.refuse(part + " is " + described +
                           ": it does not fit in 63 bits or its rows are not whole blocks of " +
                           std::to_string(blockFormat(tensor.type).elements) + " values");
            const std::uint64_t offset = offsets[i], length = static_cast<std::uint64_t>(*bytes);
            if (offset % alignment != 0)
                in_.refuse(part + " begins at byte " + std::to_string(offset) +
                           " of the data, expected a multiple of " + std::to_string(alignment));
            if (offset > size || length > size - offset)
                in_.refuse(part + " (" + described + ") takes " + std::to_string(length) +
                           " bytes from byte " + std::to_string(offset) +
                           " of the data, but the file has only " + std::to_string(size) +
                           ": it is cut short");
            if (length == 0) continue;
            tensor.bytes = all.subspan(start + offset, length);
            order.emplace_back(offset, i);
        }
        std::ranges::sort(order);
        for (std::size_t i = 1; i < order.size(); ++i) {
            const StoredTensor &before = tensors_[order[i - 1].second], &after = tensors_[order[i].second];
            if (before.bytes.data() + before.bytes.size() > after.bytes.data())
                in_.refuse("tensor " + inQuotes(after.name) + " overlaps " + inQuotes(before.name));
        }
    }

    std::shared_ptr<const MappedFile> file_;
    Cursor in_;
    std::uint64_t tensorCount_ = 0, valueCount_ = 0;
    std::map<std::string, GgufValue> metadata_;
    std::vector<StoredTensor> tensors_;
};

} // namespace

std::shared_ptr<const GgufFile> GgufFile::read(std::shared_ptr<const MappedFile> file) {
    return std::make_shared<MappedGguf>(std::move(file));
}

std::shared_ptr<const GgufFile> GgufFile::open(const std::filesystem::path& file) {
    return read(MappedFile::open(file));
}

} // namespace kurtoscope
