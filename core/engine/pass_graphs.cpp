// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/pass_graphs.h"

#include "core/engine/device.h"

#include <algorithm>
#include <utility>

namespace kurtoscope {

namespace {
constexpr std::size_t mostGraphs = 4; // each holds the memory of a whole pass
}

// What a recorded pass reads and writes stays where it is for as long as it may be played again.
struct PassGraphs::Graph {
    const Transformer& model;
    const Arithmetic* arithmetic;
    Batch batch;
    at::Tensor ids, typeIds, output, warmUp;
    void* recorded = nullptr; // null: it could not be
    std::string why;

    Graph(const Transformer& of, const Arithmetic* with, const Batch& like, at::Device device)
        : model(of), arithmetic(with), batch(like) {
        const auto options = at::TensorOptions().dtype(at::kLong).device(device);
        ids = at::empty({batch.sequences, batch.length}, options);
        typeIds = at::zeros_like(ids);
    }
    ~Graph() {
        if (recorded) cudaLibrary()->forget(recorded);
    }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    bool is(const Batch& other) const {
        return batch.sequences == other.sequences && batch.length == other.length;
    }
    void take(const Batch& other) {
        const auto copy = [&](at::Tensor& to, const std::vector<int>& from) {
            to.copy_(at::from_blob(const_cast<int*>(from.data()), to.sizes(), at::kInt));
        };
        copy(ids, other.ids);
        if (!other.typeIds.empty())
            copy(typeIds, other.typeIds);
        else
            typeIds.zero_();
    }
    // What is played must be what ran step by step.
    void check() {
        const char* reason = cudaLibrary()->replay(recorded);
        if (!reason && !at::allclose(output, warmUp, 1e-3, 1e-4, true)) reason = "it answers otherwise";
        warmUp.reset();
        if (!reason) return;
        cudaLibrary()->forget(std::exchange(recorded, nullptr));
        why = std::string("the pass's CUDA graph is not used: ") + reason;
    }
    static void pass(void* data) {
        Graph& graph = *static_cast<Graph*>(data);
        Pass pass(graph.batch, graph.ids, graph.typeIds, graph.arithmetic);
        const at::Tensor hidden = graph.model.hidden(pass), head = graph.model.head(pass, hidden);
        graph.warmUp = std::exchange(graph.output, head.defined() ? head : hidden);
    }
};

PassGraphs::PassGraphs(const Transformer& model, const Arithmetic* arithmetic, at::Device device)
    : model_(model), arithmetic_(arithmetic), device_(device) {}
PassGraphs::~PassGraphs() = default;
PassGraphs::PassGraphs(PassGraphs&&) noexcept = default;

bool PassGraphs::possibleOn(at::Device device) {
    const CudaLibrary* library = cudaLibrary();
    return library && library->capture && (device.is_cuda() || library->onHost);
}

PassGraphs::Graph& PassGraphs::graphFor(const Batch& batch) {
    const auto found =
        std::find_if(graphs_.begin(), graphs_.end(), [&](const auto& graph) { return graph->is(batch); });
    if (found != graphs_.end()) {
        graphs_.splice(graphs_.begin(), graphs_, found);
        graphs_.front()->take(batch);
        return *graphs_.front();
    }
    if (graphs_.size() >= mostGraphs) graphs_.pop_back();
    graphs_.push_front(std::make_unique<Graph>(model_, arithmetic_, batch, device_));
    Graph& graph = *graphs_.front();
    graph.take(batch); // what warms up reads them too
    const char* reason =
        cudaLibrary()->capture(device_.is_cuda() ? device_.index() : 0, Graph::pass, &graph, &graph.recorded);
    if (reason)
        graph.why = std::string("the pass could not be recorded as a CUDA graph: ") + reason;
    else
        graph.check();
    return graph;
}

std::optional<at::Tensor> PassGraphs::run(const Batch& batch) {
    why_.clear();
    if (std::any_of(batch.lengths.begin(), batch.lengths.end(), [&](int n) { return n < batch.length; })) {
        why_ = "a batch with padding is not recorded as a CUDA graph";
        return std::nullopt;
    }
    Graph& graph = graphFor(batch);
    why_ = graph.why;
    if (!graph.recorded) return std::nullopt;
    if (const char* reason = cudaLibrary()->replay(graph.recorded)) {
        why_ = std::string("a CUDA graph could not be played: ") + reason;
        return std::nullopt;
    }
    return graph.output;
}

} // namespace kurtoscope
