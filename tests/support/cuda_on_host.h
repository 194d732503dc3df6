// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The CUDA library's kernels, their very text, run on the processor: each thread of a block is a fiber,
// barriers and shuffles give way to the others, blocks run one after another. Between two barriers the order
// of threads is shuffled, so that a result that hangs on it shows; threads that wait for each other at
// different barriers are an error. Products are plain loops, which refuse what cuBLASLt's documentation says
// that it refuses.

#include "core/cuda/cuda_library.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include <ucontext.h>

namespace kurtoscope::host {

struct Index {
    unsigned int x = 0, y = 0, z = 0;
};
inline Index threadNow, blockNow;

class Block {
public:
    static Block& now() {
        static Block block;
        return block;
    }

    // `kernel` by `threads` threads of each block.
    void launch(std::int64_t blocksX, std::int64_t blocksY, int threads,
                const std::function<void()>& kernel) {
        kernel_ = &kernel;
        if (fibers_.size() != std::size_t(threads)) begin(threads);
        order_.resize(std::size_t(threads));
        for (int i = 0; i < threads; ++i)
            order_[std::size_t(i)] = i;
        for (std::int64_t y = 0; y < blocksY; ++y)
            for (std::int64_t x = 0; x < blocksX; ++x) {
                blockNow = {unsigned(x), unsigned(y), 0};
                run();
            }
    }

    void barrier() { wait(Waits::block); }
    int barrierOr(int value) {
        const int turn = mine().turn++;
        mine().flag[turn & 1] = value;
        wait(Waits::block);
        return std::any_of(fibers_.begin(), fibers_.end(), [&](const Fiber& fiber) {
            return fiber.turn > turn && fiber.flag[turn & 1] != 0; // else it was gone before
        });
    }
    float shuffle(float value, int distance) {
        // Two places by turns: nobody comes to the next but one before all have left this.
        const int turn = mine().turn++;
        mine().brought[turn & 1] = value;
        const std::size_t partner = std::size_t(threadNow.x) ^ std::size_t(distance);
        wait(Waits::warp);
        if (fibers_.at(partner).turn <= turn) fail("a thread shuffles with one that is gone");
        return fibers_[partner].brought[turn & 1];
    }

private:
    enum class Waits { nothing, warp, block };
    static constexpr int warp = 32;
    static constexpr std::size_t stackBytes = 64 * 1024;
    using Place = void* [5]; // of a built-in jump, which asks no system call as swapcontext() does
    struct Fiber {
        Place place = {};
        std::unique_ptr<char[]> stack;
        Waits waits = Waits::nothing;
        bool done = false;
        int turn = 0, flag[2] = {};
        float brought[2] = {};
    };

    Fiber& mine() { return fibers_[threadNow.x]; }

    [[noreturn]] static void fail(const char* why) {
        std::fprintf(stderr, "kernel on the host: %s (block %u, %u, thread %u)\n", why, blockNow.x,
                     blockNow.y, threadNow.x);
        std::abort();
    }

    [[gnu::noinline, noreturn]] static void jump(Place& to) { __builtin_longjmp(to, 1); }
    [[gnu::noinline]] static void change(Place& from, Place& to) {
        if (__builtin_setjmp(from) == 0) jump(to);
    }

    // A fiber's whole life: one block after another.
    static void enter() {
        Block& block = now();
        const Index me = threadNow;
        for (;;) {
            change(block.fibers_[me.x].place, block.scheduler_);
            (*block.kernel_)();
            block.fibers_[me.x].done = true;
        }
    }

    void begin(int threads) {
        fibers_ = std::vector<Fiber>(std::size_t(threads));
        for (int i = 0; i < threads; ++i) {
            Fiber& fiber = fibers_[std::size_t(i)];
            fiber.stack = std::make_unique<char[]>(stackBytes);
            ucontext_t start{};
            getcontext(&start);
            start.uc_stack.ss_sp = fiber.stack.get();
            start.uc_stack.ss_size = stackBytes;
            makecontext(&start, enter, 0);
            threadNow = {unsigned(i), 0, 0};
            startAt(start);
        }
    }
    [[gnu::noinline]] void startAt(const ucontext_t& start) {
        if (__builtin_setjmp(scheduler_) == 0) setcontext(&start);
    }

    void wait(Waits what) {
        const Index me = threadNow;
        mine().waits = what;
        change(mine().place, scheduler_);
        threadNow = me;
    }

    void run() {
        for (Fiber& fiber : fibers_) {
            fiber.waits = Waits::nothing, fiber.done = false, fiber.turn = 0;
        }
        for (;;) {
            std::shuffle(order_.begin(), order_.end(), random_);
            for (const int i : order_) {
                Fiber& fiber = fibers_[std::size_t(i)];
                if (fiber.done || fiber.waits != Waits::nothing) continue;
                threadNow = {unsigned(i), 0, 0};
                change(scheduler_, fiber.place);
            }
            if (std::all_of(fibers_.begin(), fibers_.end(), [](const Fiber& fiber) { return fiber.done; }))
                return;
            if (!release()) fail("threads wait at different barriers");
        }
    }

    bool release() {
        bool released = false;
        for (std::size_t first = 0; first < fibers_.size(); first += warp)
            released |= releaseIf(first, std::min(fibers_.size(), first + warp), Waits::warp);
        return released || releaseIf(0, fibers_.size(), Waits::block);
    }
    // All of [first, last) that are not gone, if each of them waits for `what`.
    bool releaseIf(std::size_t first, std::size_t last, Waits what) {
        bool any = false;
        for (std::size_t i = first; i < last; ++i) {
            if (!fibers_[i].done && fibers_[i].waits != what) return false;
            any |= !fibers_[i].done;
        }
        for (std::size_t i = first; i < last; ++i)
            fibers_[i].waits = Waits::nothing;
        return any;
    }

    const std::function<void()>* kernel_ = nullptr;
    std::vector<Fiber> fibers_;
    std::vector<int> order_;
    std::mt19937 random_{1};
    Place scheduler_ = {};
};

} // namespace kurtoscope::host

// What the kernels use of CUDA.
#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)
#define threadIdx kurtoscope::host::threadNow
#define blockIdx kurtoscope::host::blockNow
#define KURTOSCOPE_LAUNCH(kernel, blocksX, blocksY, threads, stream, work)                                   \
    (static_cast<void>(stream),                                                                              \
     kurtoscope::host::Block::now().launch(blocksX, blocksY, threads, [&] { kernel(work); }))

namespace {

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) int4 {
    std::int32_t x, y, z, w;
};
struct alignas(4) char4 {
    std::int8_t x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}
inline char4 make_char4(std::int8_t x, std::int8_t y, std::int8_t z, std::int8_t w) {
    return {x, y, z, w};
}
using std::fabs, std::max, std::min;
inline unsigned int __float_as_uint(float x) {
    unsigned int bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __uint_as_float(unsigned int bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
inline unsigned int atomicMax(unsigned int* at, unsigned int value) {
    unsigned int old;
    std::memcpy(&old, at, sizeof old);
    const unsigned int most = std::max(old, value);
    std::memcpy(at, &most, sizeof most);
    return old;
}
inline void __syncthreads() {
    kurtoscope::host::Block::now().barrier();
}
inline int __syncthreads_or(int value) {
    return kurtoscope::host::Block::now().barrierOr(value);
}
inline float __shfl_xor_sync(unsigned int, float value, int distance) {
    return kurtoscope::host::Block::now().shuffle(value, distance);
}
inline void fillWithZeros(void* memory, std::int64_t bytes, void*) {
    std::memset(memory, 0, std::size_t(bytes));
}
inline const char* launchFailure() {
    return nullptr;
}

} // namespace

#include "core/cuda/kernels/finish.cuh"
#include "core/cuda/kernels/gather.cuh"
#include "core/cuda/kernels/round.cuh"
#include "core/cuda/kernels/rows.cuh"

namespace kurtoscope::host {

inline float ofHalf(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                       : exponent == 0 ? std::ldexp(float(fraction), -24)
                                       : std::ldexp(float(1024 + fraction), exponent - 25);
    return bits >> 15 ? -size : size;
}
inline float ofBfloat16(std::uint16_t bits) {
    return __uint_as_float(unsigned(bits) << 16);
}
inline float ofE4m3(std::uint8_t bits) {
    const int exponent = bits >> 3 & 15, fraction = bits & 7;
    const float size = exponent == 15 && fraction == 7 ? NAN
                       : exponent == 0                 ? std::ldexp(float(fraction), -9)
                                                       : std::ldexp(float(8 + fraction), exponent - 10);
    return bits >> 7 ? -size : size;
}

template <class Number, class Sum, class Decode>
void plainProduct(const KurtoscopeCudaProduct& work, Decode decode) {
    const auto* x = static_cast<const Number*>(work.x);
    const auto* weight = static_cast<const Number*>(work.weight);
    std::vector<Sum> w(std::size_t(work.outputs * work.inputs)), one(std::size_t(work.inputs));
    for (std::int64_t output = 0; output < work.outputs; ++output)
        for (std::int64_t i = 0; i < work.inputs; ++i)
            w[std::size_t(output * work.inputs + i)] = decode(weight[output * work.weightStride + i]);
    for (std::int64_t row = 0; row < work.rows; ++row) {
        for (std::int64_t i = 0; i < work.inputs; ++i)
            one[std::size_t(i)] = decode(x[row * work.xStride + i]);
        for (std::int64_t output = 0; output < work.outputs; ++output) {
            Sum sum = 0;
            const Sum* column = w.data() + output * work.inputs;
            for (std::int64_t i = 0; i < work.inputs; ++i)
                sum += one[std::size_t(i)] * column[i];
            static_cast<Sum*>(work.out)[row * work.outStride + output] = sum;
        }
    }
}

inline std::int64_t asked = 0, products = 0; // products asked for, and made
inline std::int64_t refusedAbove = 0;        // rows above which products are refused; 0: never

inline const char* product(const KurtoscopeCudaProduct* work) {
    ++asked;
    const bool narrow = work->numbers == kurtoscopeInt8 || work->numbers == kurtoscopeE4m3;
    const std::int64_t size = narrow ? 1 : 2;
    const auto aligned = [](const void* pointer) {
        return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
    };
    if (work->inputs * size % 16 || work->xStride * size % 16 || work->weightStride * size % 16 ||
        work->outStride % 4 || work->outputs % 16 || work->rows % 16 || !aligned(work->x) ||
        !aligned(work->weight) || !aligned(work->out))
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    if (refusedAbove > 0 && work->rows > refusedAbove) return "CUBLAS_STATUS_NOT_SUPPORTED";
    ++products;
    switch (work->numbers) {
    case kurtoscopeInt8:
        plainProduct<std::int8_t, std::int32_t>(*work, [](std::int8_t q) { return q; });
        break;
    case kurtoscopeE4m3:
        plainProduct<std::uint8_t, float>(*work, ofE4m3);
        break;
    case kurtoscopeHalf:
        plainProduct<std::uint16_t, float>(*work, ofHalf);
        break;
    default:
        plainProduct<std::uint16_t, float>(*work, ofBfloat16);
    }
    return nullptr;
}

// A graph is what it was recorded from, run again.
struct Recorded {
    void (*run)(void*);
    void* data;
};
inline int graphsHeld = 0, graphsPlayed = 0;
inline bool capturable = true;

inline const char* capture(int, void (*run)(void*), void* data, void** graph) {
    *graph = nullptr;
    if (!capturable) return "operation not permitted when stream is capturing";
    for (int i = 0; i < 3; ++i) // two to warm up
        run(data);
    *graph = new Recorded{run, data};
    ++graphsHeld;
    return nullptr;
}
inline const char* replay(void* graph) {
    const auto* recorded = static_cast<const Recorded*>(graph);
    recorded->run(recorded->data);
    ++graphsPlayed;
    return nullptr;
}
inline void forget(void* graph) {
    delete static_cast<Recorded*>(graph);
    --graphsHeld;
}

inline const CudaLibrary& library() {
    static const CudaLibrary made = [] {
        CudaLibrary library;
        library.round = [](const KurtoscopeCudaRound* work) { return runRound(*work); };
        library.rows = [](const KurtoscopeCudaRows* work) { return runRows(*work); };
        library.gather = [](const KurtoscopeCudaGather* work) { return runGather(*work); };
        library.finish = [](const KurtoscopeCudaFinish* work) { return runFinish(*work); };
        library.product = product;
        library.capture = capture, library.replay = replay, library.forget = forget;
        library.onHost = true;
        return library;
    }();
    return made;
}

} // namespace kurtoscope::host
