// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/mapped_file.h"

#include "core/model/tensor_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace kurtoscope {
namespace {

struct Descriptor {
    int number = -1;
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
};

bool startsWith(std::span<const std::byte> bytes, std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

} // namespace

MappedFile::MappedFile(std::filesystem::path file) : path_(std::move(file)) {}

MappedFile::~MappedFile() {
    if (owned_.empty() && !bytes_.empty())
        ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size()); // munmap takes no const
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& file) {
    const std::string where = file.string();
    const auto refuse = [&](const std::string& what, const std::string& hint) {
        throw Error(what, where, hint);
    };

    Descriptor descriptor;
    // Not blocking, so that a named pipe is refused below instead of waiting for a writer.
    descriptor.number = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor.number < 0) {
        if (errno == ENOENT || errno == ENOTDIR) refuse("the file does not exist", "Check the path");
        refuse(std::string("the file cannot be read: ") + std::strerror(errno), "Check its permissions");
    }
    struct stat status {};
    if (::fstat(descriptor.number, &status) != 0)
        refuse(std::string("the file cannot be read: ") + std::strerror(errno), "Check its permissions");
    if (S_ISDIR(status.st_mode)) refuse("expected a file, got a folder", "Name the file inside it");
    if (!S_ISREG(status.st_mode))
        refuse("expected a regular file, got a device or pipe", "Copy it to a file first");
    if (status.st_size == 0) refuse("the file is empty (0 bytes)", "Download it again");

    const auto size = static_cast<std::size_t>(status.st_size);
    std::shared_ptr<MappedFile> mapped(new MappedFile(file));
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.number, 0);
    if (start == MAP_FAILED)
        refuse(std::string("the file cannot be mapped into memory: ") + std::strerror(errno),
               "Copy it to a local disk and try again");
    mapped->bytes_ = {static_cast<const std::byte*>(start), size};
    return mapped;
}

std::shared_ptr<const MappedFile> MappedFile::fromBytes(std::vector<std::byte> bytes,
                                                        std::filesystem::path name) {
    if (bytes.empty()) throw Error("the file is empty (0 bytes)", name.string(), "Download it again");
    std::shared_ptr<MappedFile> mapped(new MappedFile(std::move(name)));
    mapped->owned_ = std::move(bytes);
    mapped->bytes_ = mapped->owned_;
    return mapped;
}

bool MappedFile::looksLikePickle() const {
    using namespace std::string_view_literals;
    for (const auto magic : {"PK\x03\x04"sv, "\x80\x02"sv, "\x80\x03"sv, "\x80\x04"sv, "\x80\x05"sv}) {
        // A safetensors header of 640, 896 … bytes begins with the same two bytes; its ninth is a brace.
        const bool safetensorsHeader = bytes_.size() > 8 && bytes_[8] == std::byte{'{'};
        if (startsWith(bytes_, magic) && !safetensorsHeader) return true;
    }
    return isPickleName(path_);
}

bool isPickleName(const std::filesystem::path& file) {
    static constexpr std::array<std::string_view, 6> endings = {".bin",  ".pt",  ".pth",
                                                                ".ckpt", ".pkl", ".pickle"};
    return std::ranges::find(endings, file.extension().string()) != endings.end();
}

Error pickleRefusal(const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return Error(
        "this is a Python pickle, which can run any code when it is read, so it is never opened; "
        "expected safetensors or GGUF",
        file.string(),
        "Convert it to safetensors: python -c \"import torch; from safetensors.torch import save_file; "
        "w = torch.load('" +
            name +
            "', map_location='cpu', weights_only=True); "
            "save_file({k: v.clone().contiguous() for k, v in w.items()}, 'model.safetensors')\"");
}

} // namespace kurtoscope
