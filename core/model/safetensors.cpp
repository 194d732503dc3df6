// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/block_formats.h"
#include "core/model/mapped_file.h"
#include "core/model/tensor_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

// Format: huggingface.co/docs/safetensors. Eight bytes of header length, a JSON header, then the data without
// gaps.
namespace kurtoscope {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t longestHeader = 100'000'000; // the reference reader's limit
constexpr int deepestHeader = 16; // four are needed; without a limit a hostile header costs gigabytes
constexpr const char* downloadAgain = "Download the file again";

class MappedTensors final : public TensorFile {
public:
    MappedTensors(std::vector<std::shared_ptr<const MappedFile>> files, std::vector<StoredTensor> tensors)
        : files_(std::move(files)), tensors_(std::move(tensors)) {
        std::ranges::sort(tensors_, {}, &StoredTensor::name);
        for (const auto& file : files_)
            fileBytes_ += static_cast<std::int64_t>(file->bytes().size());
    }
    const std::vector<StoredTensor>& tensors() const override { return tensors_; }
    std::int64_t fileBytes() const override { return fileBytes_; }

private:
    std::vector<std::shared_ptr<const MappedFile>> files_; // the tensors' bytes lie in them
    std::vector<StoredTensor> tensors_;
    std::int64_t fileBytes_ = 0;
};

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what,
                         const std::string& hint) {
    throw Error(what, file.string(), hint);
}

// JSON lets a key stand twice and parsers take either: two readers would then see different weights.
Json parseStrictly(std::string_view text, const std::filesystem::path& file, const std::string& part) {
    std::vector<std::unordered_set<std::string>> open;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (depth > deepestHeader)
            refuse(file, part + " is nested more than " + std::to_string(deepestHeader) + " deep",
                   downloadAgain);
        if (event == Json::parse_event_t::object_start) open.emplace_back();
        if (event == Json::parse_event_t::object_end) open.pop_back();
        if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
            refuse(file, part + " names " + inQuotes(parsed.get<std::string>()) + " twice, expected once",
                   "Save the model again with a current safetensors library");
        return true;
    };
    try {
        return Json::parse(text, watch);
    } catch (const Json::parse_error& error) {
        refuse(file, part + " is not valid JSON at its byte " + std::to_string(error.byte), downloadAgain);
    } catch (const Json::out_of_range&) { // such as 1e999, which the grammar allows
        refuse(file, part + " holds a number that is too large", downloadAgain);
    }
}

std::optional<StoredType> typeFromName(std::string_view name) {
    static constexpr std::array types = {
        StoredType::F64, StoredType::F32,  StoredType::F16,     StoredType::BF16,
        StoredType::I64, StoredType::I32,  StoredType::I16,     StoredType::I8,
        StoredType::U8,  StoredType::BOOL, StoredType::F8_E4M3, StoredType::F8_E5M2,
    };
    for (const auto type : types)
        if (name == storedTypeName(type)) return type;
    return std::nullopt;
}

struct Placed {
    StoredTensor tensor;
    std::uint64_t begin = 0, end = 0; // within the data
};

class HeaderReader {
public:
    explicit HeaderReader(const MappedFile& file) : file_(file) {}

    std::vector<StoredTensor> read() {
        const std::string_view header = headerText();
        const Json json = parseStrictly(header, file_.path(), "the header");
        if (!json.is_object()) refuse(file_.path(), "the header is not a JSON object", downloadAgain);
        data_ = file_.bytes().subspan(8 + header.size());
        std::vector<Placed> placed;
        placed.reserve(json.size());
        for (const auto& [name, entry] : json.items())
            if (name != "__metadata__") placed.push_back(place(name, entry));
        checkLayout(placed);
        std::vector<StoredTensor> tensors;
        tensors.reserve(placed.size());
        for (auto& one : placed)
            tensors.push_back(std::move(one.tensor));
        return tensors;
    }

private:
    std::string_view headerText() const {
        const auto bytes = file_.bytes();
        if (bytes.size() < 8)
            refuse(file_.path(),
                   "the file has " + std::to_string(bytes.size()) + " bytes, expected at least 8",
                   downloadAgain);
        if (std::memcmp(bytes.data(), "GGUF", 4) == 0)
            refuse(file_.path(), "this is a GGUF file under another name", "Rename it so that it ends in .gguf");
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof length);
        const bool looksLikeJson = bytes.size() > 8 && bytes[8] == std::byte{'{'};
        if (!looksLikeJson)
            refuse(file_.path(), "this is not a safetensors file: its header does not begin with {",
                   "Open a .safetensors or .gguf file, or a model folder");
        if (length > longestHeader)
            refuse(file_.path(),
                   "the header is said to be " + std::to_string(length) + " bytes long, expected at most " +
                       std::to_string(longestHeader),
                   downloadAgain);
        if (length > bytes.size() - 8)
            refuse(file_.path(),
                   "the header is said to be " + std::to_string(length) + " bytes long, but only " +
                       std::to_string(bytes.size() - 8) + " bytes follow",
                   downloadAgain);
        return {reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length)};
    }

    [[noreturn]] void refuseTensor(const std::string& name, const std::string& what,
                                   const std::string& hint = downloadAgain) const {
        refuse(file_.path(), "tensor " + inQuotes(name) + " " + what, hint);
    }

    static bool isCount(const Json& value) {
        return value.is_number_unsigned() &&
               value.get<std::uint64_t>() <=
                   static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    }

    const Json& member(const std::string& name, const Json& entry, const char* key) const {
        const auto found = entry.is_object() ? entry.find(key) : entry.end();
        if (!entry.is_object() || found == entry.end())
            refuseTensor(name, std::string("has no \"") + key + "\"");
        return *found;
    }

    Placed place(const std::string& name, const Json& entry) const {
        Placed placed;
        placed.tensor.name = name;
        const Json& dtype = member(name, entry, "dtype");
        const auto type =
            dtype.is_string() ? typeFromName(dtype.get_ref<const std::string&>()) : std::nullopt;
        if (!type)
            refuseTensor(
                name,
                "has dtype " + inQuotes(dtype.is_string() ? dtype.get<std::string>() : dtype.dump()) +
                    ", expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, F8_E4M3, F8_E5M2",
                "Save the model in one of these, for example with model.half()");
        placed.tensor.type = *type;

        const Json& shape = member(name, entry, "shape");
        if (!shape.is_array() || !std::ranges::all_of(shape, isCount))
            refuseTensor(name, "has a \"shape\" that is not a list of whole numbers from 0");
        placed.tensor.shape = shape.get<std::vector<std::int64_t>>();

        const Json& offsets = member(name, entry, "data_offsets");
        if (!offsets.is_array() || offsets.size() != 2 || !std::ranges::all_of(offsets, isCount))
            refuseTensor(name, "has \"data_offsets\" that are not two whole numbers from 0");
        placed.begin = offsets[0].get<std::uint64_t>();
        placed.end = offsets[1].get<std::uint64_t>();
        if (placed.begin > placed.end)
            refuseTensor(name, "ends at byte " + std::to_string(placed.end) + " before it begins at " +
                                   std::to_string(placed.begin));
        if (placed.end > data_.size())
            refuseTensor(name, "ends at byte " + std::to_string(placed.end) +
                                   " of the data, but the file has only " + std::to_string(data_.size()) +
                                   ": it is cut short");

        const std::string described =
            std::string(storedTypeName(*type)) + " " + shapeText(placed.tensor.shape);
        const auto bytes = storedBytes(*type, placed.tensor.shape);
        if (!bytes) refuseTensor(name, "is too large: " + described + " does not fit in 63 bits");
        if (static_cast<std::uint64_t>(*bytes) != placed.end - placed.begin)
            refuseTensor(name, "has " + std::to_string(placed.end - placed.begin) + " bytes, but " +
                                   described + " takes " + std::to_string(*bytes));
        placed.tensor.bytes = data_.subspan(placed.begin, placed.end - placed.begin);
        return placed;
    }

    void checkLayout(std::vector<Placed>& placed) const {
        std::ranges::sort(placed, {}, [](const Placed& one) { return std::pair(one.begin, one.end); });
        std::uint64_t end = 0;
        std::string last;
        for (const auto& one : placed) {
            if (one.begin < end)
                refuseTensor(one.tensor.name, "begins at byte " + std::to_string(one.begin) +
                                                  " and overlaps " + inQuotes(last) + ", which ends at " +
                                                  std::to_string(end));
            if (one.begin > end)
                refuseTensor(one.tensor.name, "begins at byte " + std::to_string(one.begin) + ", expected " +
                                                  std::to_string(end) +
                                                  ": the bytes between belong to no tensor");
            end = one.end;
            last = one.tensor.name;
        }
        if (end != data_.size())
            refuse(file_.path(),
                   "the tensors take " + std::to_string(end) + " bytes, but " + std::to_string(data_.size()) +
                       " follow the header",
                   downloadAgain);
    }

    const MappedFile& file_;
    std::span<const std::byte> data_;
};

// A shard's name comes out of a file that may be hostile: it must not lead out of the folder.
void checkShardName(const std::filesystem::path& index, const std::string& tensor, const std::string& shard) {
    const std::string entry = "\"weight_map\" places " + inQuotes(tensor) + " in " + inQuotes(shard);
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string_view("/\\\0", 3)) != shard.npos)
        refuse(index, entry + ", expected the name of a file beside the index", downloadAgain);
    if (isPickleName(shard)) throw pickleRefusal(index.parent_path() / shard);
}

} // namespace

std::shared_ptr<const TensorFile> TensorFile::readSafetensors(std::shared_ptr<const MappedFile> file) {
    if (file->looksLikePickle()) throw pickleRefusal(file->path());
    auto tensors = HeaderReader(*file).read();
    return std::make_shared<MappedTensors>(std::vector{std::move(file)}, std::move(tensors));
}

std::shared_ptr<const TensorFile> TensorFile::openSafetensors(const std::filesystem::path& file) {
    return readSafetensors(MappedFile::open(file));
}

std::shared_ptr<const TensorFile> TensorFile::openShards(const std::filesystem::path& index) {
    const auto map = MappedFile::open(index);
    const std::string_view text(reinterpret_cast<const char*>(map->bytes().data()), map->bytes().size());
    const Json json = parseStrictly(text, index, "the index");
    const auto weights = json.is_object() ? json.find("weight_map") : json.end();
    if (!json.is_object() || weights == json.end() || !weights->is_object() || weights->empty())
        refuse(index, "expected \"weight_map\", an object from tensor names to files", downloadAgain);

    std::map<std::string, std::vector<std::string>> namesByShard;
    for (const auto& [name, shard] : weights->items()) {
        if (!shard.is_string())
            refuse(index, "\"weight_map\" gives no file name for " + inQuotes(name), downloadAgain);
        checkShardName(index, name, shard.get_ref<const std::string&>());
        namesByShard[shard.get<std::string>()].push_back(name);
    }

    std::vector<std::shared_ptr<const MappedFile>> files;
    std::vector<StoredTensor> tensors;
    for (const auto& [shard, names] : namesByShard) {
        const auto path = index.parent_path() / shard;
        if (!std::filesystem::exists(path))
            refuse(index,
                   "the shard " + inQuotes(shard) + " is missing, expected beside the index (" +
                       std::to_string(names.size()) + " of " + std::to_string(weights->size()) +
                       " tensors are in it)",
                   "Download it to " +
                       (index.has_parent_path() ? index.parent_path().string() : "this folder"));
        files.push_back(MappedFile::open(path));
        const auto opened = readSafetensors(files.back());
        for (const auto& name : names) {
            const StoredTensor* tensor = opened->find(name);
            if (!tensor)
                refuse(path,
                       "tensor " + inQuotes(name) + " is missing, though " + index.filename().string() +
                           " names it",
                       "Download index and shards again, from the same place");
            tensors.push_back(*tensor);
        }
    }
    return std::make_shared<MappedTensors>(std::move(files), std::move(tensors));
}

} // namespace kurtoscope
