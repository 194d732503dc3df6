// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/engine/transformer.h"

#include <list>
#include <memory>
#include <optional>
#include <string>

namespace kurtoscope {

// Whole forward passes on an NVIDIA GPU, output head included, recorded as CUDA graphs and played again: one
// for each number of sequences and length, the least recently used one let go. One pass at a time.
class PassGraphs {
public:
    PassGraphs(const Transformer& model, const Arithmetic* arithmetic, at::Device device);
    ~PassGraphs();
    PassGraphs(PassGraphs&&) noexcept;
    PassGraphs& operator=(PassGraphs&&) noexcept = delete;

    static bool possibleOn(at::Device device);

    // The head's result, or where there is none the final hidden state; it stands until the next run. Empty
    // where the pass could not be recorded or has padding: why() says so, and the caller runs it step by
    // step.
    std::optional<at::Tensor> run(const Batch& batch);
    const std::string& why() const { return why_; }

private:
    struct Graph;
    Graph& graphFor(const Batch& batch);

    const Transformer& model_;
    const Arithmetic* arithmetic_;
    at::Device device_;
    std::list<std::unique_ptr<Graph>> graphs_; // used last first
    std::string why_;
};

} // namespace kurtoscope
