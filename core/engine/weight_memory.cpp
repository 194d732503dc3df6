// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/weight_memory.h"

#include "core/base/error.h"
#include "core/base/memory_bound.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace kurtoscope {
namespace {

std::atomic<std::int64_t> held = 0; // in memory
std::mutex mutex;
std::map<std::uintptr_t, std::size_t> regions; // of mapped files, by where they begin

// /tmp lies in memory on many systems, /var/tmp on a disk.
std::string folder() {
    const char* asked = std::getenv("TMPDIR");
    return asked && *asked ? asked : "/var/tmp";
}

at::Tensor inFile(at::IntArrayRef shape, std::size_t bytes) {
    std::string name = folder() + "/kurtoscope-weights-XXXXXX";
    const int file = mkstemp(name.data());
    // A file that is reserved as a whole cannot run out of disk while it is written through the map.
    const int failed = file < 0 ? errno : posix_fallocate(file, 0, off_t(bytes));
    if (file >= 0) unlink(name.c_str());
    void* const at = failed ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    if (at == MAP_FAILED)
        throw Error("weights of " + std::to_string(bytes >> 20) +
                        " MiB find no room: " + std::strerror(failed ? failed : errno),
                    folder(), "Free some room there, name another folder in TMPDIR, or allow more --memory");
    {
        const std::lock_guard lock(mutex);
        regions[std::uintptr_t(at)] = bytes;
    }
    const auto release = [at, bytes](void*) {
        {
            const std::lock_guard lock(mutex);
            regions.erase(std::uintptr_t(at));
        }
        munmap(at, bytes);
    };
    return at::from_blob(at, shape, release, at::kFloat);
}

// The same values, counted for as long as they live.
at::Tensor counted(const at::Tensor& tensor, std::int64_t bytes) {
    held += bytes;
    return at::from_blob(
        tensor.data_ptr(), tensor.sizes(), [tensor, bytes](void*) { held -= bytes; }, at::kFloat);
}

} // namespace

at::Tensor WeightMemory::empty(at::IntArrayRef shape) {
    const auto bytes = std::int64_t(sizeof(float)) * c10::multiply_integers(shape);
    if (bytes > 0 && held + bytes > memoryBound()) return inFile(shape, std::size_t(bytes));
    return counted(at::empty(shape, at::kFloat), bytes);
}

at::Tensor WeightMemory::keep(const at::Tensor& made) {
    if (!made.is_cpu()) return made;
    const auto bytes = std::int64_t(made.nbytes());
    if (bytes == 0 || held + bytes <= memoryBound()) return counted(made.contiguous(), bytes);
    return inFile(made.sizes(), std::size_t(bytes)).copy_(made);
}

void WeightMemory::putAside(const at::Tensor& tensor) {
    const auto at = tensor.is_cpu() ? std::uintptr_t(tensor.const_data_ptr()) : 0;
    const std::lock_guard lock(mutex);
    if (const auto found = regions.find(at); found != regions.end())
        madvise(reinterpret_cast<void*>(found->first), found->second, MADV_DONTNEED);
}

} // namespace kurtoscope
