// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/batch.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kurtoscope {

// Tensors that passes left for later ones, within one budget of memory. A trail names everything that was
// done to a window's tokens: two passes on the same trail hold the same tensor, bit for bit. Lives with the
// open model; engine thread.
class KeptStates {
public:
    using Trail = std::int64_t;  // 0: nothing was done yet
    using Window = std::int64_t; // its tokens, whatever data they were cut from
    enum class Kind : unsigned char { state, answer };

    explicit KeptStates(std::int64_t budget) : budget_(budget) {}

    Window window(const Batch& batch);
    // The trail of who did `what` after having gone along `before`.
    Trail after(Trail before, const std::string& what);

    // What is kept or found from here on gives way to nothing else that the same run keeps: a run over more
    // than fits keeps its first part, instead of driving out each state just before it is asked for.
    void beginRun() { ++run_; }
    at::Tensor find(Window window, Trail trail); // undefined when it is not there
    // Answers may take half of the budget. False: there is no room.
    bool keep(Window window, Trail trail, const at::Tensor& tensor, Kind kind = Kind::state);
    void clear();

    std::int64_t budget() const { return budget_; }
    std::int64_t bytes() const { return bytes_; }
    std::int64_t answerBytes() const { return answerBytes_; }

private:
    using Key = std::pair<Window, Trail>;
    struct Entry {
        at::Tensor tensor;
        std::int64_t bytes = 0;
        std::int64_t run = 0; // that used it last
        Kind kind = Kind::state;
    };
    bool makeRoom(std::int64_t bytes);
    void erase(std::map<Key, Entry>::iterator entry);

    std::int64_t budget_, bytes_ = 0, answerBytes_ = 0, run_ = 0;
    std::map<Key, Entry> entries_;
    std::map<std::vector<int>, Window> windows_;
    std::unordered_map<std::string, std::int64_t> deeds_;
    std::map<std::pair<Trail, std::int64_t>, Trail> trails_;
};

} // namespace kurtoscope
