// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/pass_memory.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace kurtoscope {
namespace {

constexpr std::size_t page = 4096, largePage = 2 << 20,
                      smallest = 16 * page; // less than that malloc hands out well
constexpr std::int64_t passesKept = 4;      // recipes and the halves of an evaluation's pass take turns

thread_local int passesHere = 0; // one may run within another

// Whole large pages, where that takes a third more at most.
std::size_t roundedSize(std::size_t bytes) {
    const std::size_t large = (bytes + largePage - 1) / largePage * largePage;
    return (large - bytes) * 3 <= bytes ? large : (bytes + page - 1) / page * page;
}

struct Block {
    c10::DataPtr memory;
    std::size_t size = 0;
    std::int64_t pass = 0;     // that it was last handed out in
    std::int64_t returned = 0; // the higher, the later
};

// The blocks of all threads. Those in use belong to their tensors, which may outlive a pass. Nothing is asked
// of the system or given back to it under `mutex_`, as whoever finds no memory comes here.
class Blocks {
public:
    using Places = std::map<void*, Block>;

    static Blocks& all() {
        static auto* const blocks = new Blocks; // tensors may go after it otherwise
        return *blocks;
    }

    c10::DataPtr take(std::size_t bytes) {
        Places::node_type block = idleBlock(roundedSize(bytes));
        if (block.empty()) block = fresh(roundedSize(bytes));
        void* const at = block.key();
        const std::lock_guard lock(mutex_);
        block.mapped().pass = pass_;
        used_.insert(std::move(block));
        return {at, at, &Blocks::release, c10::DeviceType::CPU};
    }

    // Of a block or of what the allocator behind has handed out.
    static void release(void* at) {
        if (!all().takeBack(at)) c10::GetDefaultCPUAllocator()->raw_deleter()(at);
    }

    void begin() {
        const std::lock_guard lock(mutex_);
        ++pass_;
    }
    void end() {
        Places old;
        const std::lock_guard lock(mutex_);
        for (auto block = idle_.begin(); block != idle_.end();)
            if (const auto here = block++; isOld(here->second)) old.insert(idle_.extract(here));
    }
    // Whether there were any, or another thread gave some back since this one asked last.
    bool giveBack() {
        thread_local std::int64_t seen = 0;
        const std::lock_guard giving(giving_); // until they are really free
        Places all;
        {
            const std::lock_guard lock(mutex_);
            all.swap(idle_);
        }
        if (!all.empty()) ++givenBack_;
        all.clear();
        return std::exchange(seen, givenBack_) != givenBack_;
    }
    std::int64_t idleBytes() {
        const std::lock_guard lock(mutex_);
        std::int64_t bytes = 0;
        for (const auto& [at, block] : idle_)
            bytes += std::int64_t(block.size);
        return bytes;
    }
    std::int64_t taken() const { return taken_; }

private:
    bool isOld(const Block& block) const { return pass_ - block.pass >= passesKept; }

    // The smallest that is large enough and not much too large. Of several the last that came back: it may
    // still be in a cache.
    Places::node_type idleBlock(std::size_t size) {
        const std::lock_guard lock(mutex_);
        auto best = idle_.end();
        for (auto place = idle_.begin(); place != idle_.end(); ++place) {
            const Block& block = place->second;
            if (block.size < size || block.size > size + size / 4) continue;
            if (best == idle_.end() || block.size < best->second.size ||
                (block.size == best->second.size && block.returned > best->second.returned))
                best = place;
        }
        return best == idle_.end() ? Places::node_type() : idle_.extract(best);
    }

    Places::node_type fresh(std::size_t size) {
        ++taken_;
        Block block{size < largePage ? c10::GetDefaultCPUAllocator()->allocate(size) : largePages(size), size};
        Places made;
        void* const at = block.memory.get();
        return made.extract(made.emplace(at, std::move(block)).first);
    }

    static c10::DataPtr largePages(std::size_t size) {
        void* const memory = ::operator new (size, std::align_val_t{largePage});
#if defined(__linux__)
        madvise(memory, size / largePage * largePage, MADV_HUGEPAGE);
#endif
        return {memory, memory, [](void* at) { ::operator delete (at, std::align_val_t{largePage}); },
                c10::DeviceType::CPU};
    }

    // What was in use for long, such as a state kept for later runs, is the next pass's to take, and goes after
    // it: where states give way to others, one block follows another.
    bool takeBack(void* at) {
        const std::lock_guard lock(mutex_);
        Places::node_type block = used_.extract(at);
        if (block.empty()) return false;
        block.mapped().returned = ++returns_;
        block.mapped().pass = std::max(block.mapped().pass, pass_ - passesKept + 1);
        idle_.insert(std::move(block));
        return true;
    }

    std::mutex mutex_, giving_;
    Places used_, idle_;
    std::int64_t pass_ = 0, returns_ = 0, givenBack_ = 0;
    std::atomic<std::int64_t> taken_ = 0;
};

// What LibTorch asks for the memory of every tensor on the CPU.
class Allocator : public c10::Allocator {
public:
    c10::DataPtr allocate(std::size_t bytes) override {
        try {
            return taken(bytes);
        } catch (const c10::Error&) {
            if (!Blocks::all().giveBack()) throw;
        }
        return taken(bytes);
    }
    c10::DeleterFnPtr raw_deleter() const override { return &Blocks::release; }
    void copy_data(void* to, const void* from, std::size_t bytes) const override {
        default_copy_data(to, from, bytes);
    }

private:
    static c10::DataPtr taken(std::size_t bytes) {
        if (passesHere > 0 && bytes >= smallest && !c10::GradMode::is_enabled())
            return Blocks::all().take(bytes);
        return c10::GetDefaultCPUAllocator()->allocate(bytes);
    }
};

std::new_handler whoElse = nullptr; // made room before

void makeRoom() {
    if (Blocks::all().giveBack()) return;
    if (!whoElse) throw std::bad_alloc();
    whoElse();
}

#if !defined(__SANITIZE_ADDRESS__) // which would not see a block that is used after its tensor has gone
[[maybe_unused]] const bool isSet = [] {
    static Allocator allocator;
    Blocks::all(); // while there is memory
    c10::SetCPUAllocator(&allocator, 1);
    whoElse = std::set_new_handler(makeRoom);
    return true;
}();
#endif

} // namespace

PassMemory::PassMemory() {
    if (passesHere++ == 0) Blocks::all().begin();
}

PassMemory::~PassMemory() {
    if (--passesHere == 0) Blocks::all().end();
}

PassMemory::Outside::Outside() : passes_(std::exchange(passesHere, 0)) {}

PassMemory::Outside::~Outside() {
    passesHere = passes_;
}

void PassMemory::giveBack() {
    Blocks::all().giveBack();
#if defined(__GLIBC__)
    malloc_trim(0); // which would keep it for itself
#endif
}

std::int64_t PassMemory::idleBytes() {
    return Blocks::all().idleBytes();
}

std::int64_t PassMemory::blocksTaken() {
    return Blocks::all().taken();
}

} // namespace kurtoscope
