// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/tensor_writer.h"

#include "core/base/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <unistd.h>

// Format: https://github.com/huggingface/safetensors#format
namespace kurtoscope {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

// A file of a folder that is not in its place yet, so plain writing will do.
class Sink {
public:
    explicit Sink(const std::filesystem::path& path)
        : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
        if (file_ < 0) fail();
    }
    ~Sink() {
        if (file_ >= 0) ::close(file_);
    }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    void write(std::string_view bytes) {
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t n = ::write(file_, bytes.data() + done, bytes.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) fail();
            done += static_cast<std::size_t>(n);
        }
    }
    void close() {
        if (::fsync(file_) != 0) fail();
        const int closing = std::exchange(file_, -1);
        if (::close(closing) != 0) fail();
    }

private:
    [[noreturn]] void fail() const {
        throw Error(std::string("cannot write: ") + std::strerror(errno), path_.string(),
                    "Check that the folder is writable and has free space");
    }

    std::filesystem::path path_;
    int file_;
};

std::int64_t widthOf(const std::string& type) {
    if (type == "F64" || type == "I64") return 8;
    if (type == "F32" || type == "I32") return 4;
    if (type == "F16" || type == "BF16" || type == "I16") return 2;
    return 1;
}

std::string shardName(std::size_t index, std::size_t count) {
    if (count == 1) return "model.safetensors";
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", index + 1, count);
    return name;
}

} // namespace

std::int64_t PlannedTensor::bytes() const {
    std::int64_t size = widthOf(type);
    for (const std::int64_t one : shape)
        size *= one;
    return size;
}

void writeTensors(std::vector<PlannedTensor> tensors, const std::string& name, ExportFolder& out,
                  std::int64_t& done, std::int64_t total) {
    // Wide types first, so that all begin at multiples of their width.
    std::stable_sort(tensors.begin(), tensors.end(), [](const PlannedTensor& a, const PlannedTensor& b) {
        return widthOf(a.type) > widthOf(b.type);
    });
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    header["__metadata__"] = {{"format", "pt"}};
    std::int64_t offset = 0;
    for (const PlannedTensor& tensor : tensors) {
        header[tensor.name] = {{"dtype", tensor.type},
                               {"shape", tensor.shape},
                               {"data_offsets", {offset, offset + tensor.bytes()}}};
        offset += tensor.bytes();
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = text.size();
    Sink sink(out.file(name));
    sink.write({reinterpret_cast<const char*>(&length), sizeof length});
    sink.write(text);
    for (const PlannedTensor& tensor : tensors) {
        out.tell("Writing weights", done, total);
        const std::string bytes = tensor.make();
        if (static_cast<std::int64_t>(bytes.size()) != tensor.bytes())
            throw Error("tensor \"" + tensor.name + "\" has " + std::to_string(bytes.size()) +
                            " bytes, its shape asks for " + std::to_string(tensor.bytes()),
                        name, "This is a fault in Kurtoscope: please report it with these words");
        sink.write(bytes);
        done += tensor.bytes();
    }
    sink.close();
}

void writeCheckpoint(const std::vector<PlannedTensor>& tensors, std::int64_t largest, ExportFolder& out) {
    std::int64_t total = 0, done = 0;
    std::vector<std::vector<PlannedTensor>> shards(1);
    std::int64_t inShard = 0;
    for (const PlannedTensor& tensor : tensors) {
        if (inShard > 0 && inShard + tensor.bytes() > largest) {
            shards.emplace_back();
            inShard = 0;
        }
        shards.back().push_back(tensor);
        inShard += tensor.bytes();
        total += tensor.bytes();
    }
    std::map<std::string, std::string> places;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const std::string name = shardName(i, shards.size());
        writeTensors(shards[i], name, out, done, total);
        for (const PlannedTensor& tensor : shards[i])
            places[tensor.name] = name;
    }
    // Of one file too: vLLM reads every .safetensors of a folder as weights, unless an index names them.
    const nlohmann::ordered_json index{{"metadata", {{"total_size", total}}}, {"weight_map", places}};
    out.write("model.safetensors.index.json", index.dump(2) + "\n");
}

} // namespace kurtoscope
