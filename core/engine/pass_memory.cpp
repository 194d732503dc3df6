// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/pass_memory.h"

#include <atomic>
#include <list>
#include <mutex>
#include <new>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace kurtoscope {
namespace {

constexpr std::size_t page = 4096, largePage = 2 << 20,
                      smallest = 16 * page; // less than that malloc hands out well
constexpr std::int64_t passesKept = 4;      // recipes and the halves of an evaluation's pass take turns

thread_local int passesHere = 0; // one may run within another

struct Block {
    c10::DataPtr memory;
    std::size_t size;
    std::int64_t pass; // that it was last handed out in
    std::list<Block>::iterator self;
};

// The blocks of all threads. Those in use belong to their tensors, which may outlive a pass. Nothing is asked
// of the system or given back to it under the lock: whoever finds no memory comes here.
class Blocks {
public:
    static Blocks& all() {
        static auto* const blocks = new Blocks; // tensors may go after it otherwise
        return *blocks;
    }

    c10::DataPtr take(std::size_t bytes) {
        const std::size_t unit = bytes >= largePage / 4 * 3 ? largePage : page, // a third more at most
            size = (bytes + unit - 1) / unit * unit;
        std::list<Block> block = idleBlock(size);
        if (block.empty()) block.push_back({fresh(size), size, 0, {}});
        Block& one = block.front();
        one.self = block.begin();
        const std::lock_guard lock(mutex_);
        one.pass = pass_;
        used_.splice(used_.begin(), block);
        return {one.memory.get(), &one, &Blocks::takeBack, c10::DeviceType::CPU};
    }

    void begin() {
        const std::lock_guard lock(mutex_);
        ++pass_;
    }
    void end() {
        std::list<Block> old;
        const std::lock_guard lock(mutex_);
        for (auto block = idle_.begin(); block != idle_.end();)
            if (const auto here = block++; isOld(*here)) old.splice(old.begin(), idle_, here);
    }
    bool giveBack() { // whether there were any
        std::list<Block> all;
        const std::lock_guard lock(mutex_);
        all.swap(idle_);
        return !all.empty();
    }
    std::int64_t idleBytes() {
        const std::lock_guard lock(mutex_);
        std::int64_t bytes = 0;
        for (const Block& block : idle_)
            bytes += std::int64_t(block.size);
        return bytes;
    }
    std::int64_t taken() const { return taken_; }

private:
    bool isOld(const Block& block) const { return pass_ - block.pass >= passesKept; }

    // The smallest that is large enough and not much too large. Of several the last that came back: it may
    // still be in a cache.
    std::list<Block> idleBlock(std::size_t size) {
        std::list<Block> found;
        const std::lock_guard lock(mutex_);
        auto best = idle_.end();
        for (auto block = idle_.begin(); block != idle_.end(); ++block)
            if (block->size >= size && block->size <= size + size / 4 &&
                (best == idle_.end() || block->size < best->size))
                best = block;
        if (best != idle_.end()) found.splice(found.begin(), idle_, best);
        return found;
    }

    c10::DataPtr fresh(std::size_t size) {
        ++taken_;
        if (size % largePage != 0) return c10::GetDefaultCPUAllocator()->allocate(size);
        void* const memory = ::operator new (size, std::align_val_t{largePage});
#if defined(__linux__)
        madvise(memory, size, MADV_HUGEPAGE);
#endif
        return {memory, memory, [](void* at) { ::operator delete (at, std::align_val_t{largePage}); },
                c10::DeviceType::CPU};
    }

    // What was in use for long, such as a state kept for later runs, is not what the next pass asks for.
    static void takeBack(void* context) {
        Blocks& blocks = all();
        const Block& block = *static_cast<const Block*>(context);
        std::list<Block> old;
        const std::lock_guard lock(blocks.mutex_);
        std::list<Block>& to = blocks.isOld(block) ? old : blocks.idle_;
        to.splice(to.begin(), blocks.used_, block.self);
    }

    std::mutex mutex_;
    std::list<Block> used_, idle_;
    std::int64_t pass_ = 0;
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

void makeRoom() {
    if (!Blocks::all().giveBack()) throw std::bad_alloc();
}

#if !defined(__SANITIZE_ADDRESS__) // which would not see a block that is used after its tensor has gone
[[maybe_unused]] const bool isSet = [] {
    static Allocator allocator;
    c10::SetCPUAllocator(&allocator, 1);
    std::set_new_handler(makeRoom); // idle blocks go before anybody runs out of memory
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

void PassMemory::giveBack() {
    Blocks::all().giveBack();
}

std::int64_t PassMemory::idleBytes() {
    return Blocks::all().idleBytes();
}

std::int64_t PassMemory::blocksTaken() {
    return Blocks::all().taken();
}

} // namespace kurtoscope
