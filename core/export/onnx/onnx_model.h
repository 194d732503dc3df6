// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "core/export/export_format.h"
#include "core/export/onnx/graph.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// How a rounded weight goes into the graph.
enum class OnnxWeights : unsigned char { uint8, int8 };

// A model's graph in the making, in the words of a forward pass: tensors are seen, rounded as the recipe
// says, and read by linear layers.
class OnnxModel {
public:
    using Value = OnnxGraph::Value;

    // What linear layers of one site read.
    struct Operand {
        Value plain, rounded;  // `rounded` holds kept channels rounded too, where `split`
        bool split = false;    // kept channels take a way of their own
        bool integers = false; // one stored range: what a run time multiplies as integers
    };

    OnnxModel(const ExportSubject& subject, OnnxWeights weights);

    OnnxGraph& graph() { return graph_; }
    const ExportSubject& subject() const { return subject_; }
    const Linear* find(const std::string& linear) const; // null where the model has none of that name
    // The graph's names of what linear layers read before it is rounded ("read.SITE") and of what they make
    // ("made.LAYER"): other software can be given the one and asked for the other.
    const std::map<std::string, Value>& steps() const { return steps_; }
    bool hasTensor(const std::string& name) const { return tensors_.contains(name); }
    Value tensor(const std::string& name); // by Hugging Face's name; throws Error where there is none

    // Valid positions as float [batch, position, 1], to be set before anything is rounded by its own values.
    void setPadding(const Value& mask) { padding_ = mask; }
    Value see(Site site, const Value& x);
    Operand operand(Site site, const Value& x);
    Value linear(const std::string& name, const Operand& x);
    // Logits by a head that is tied to `embedding`, or by one of its own: tensors() has folded into it what
    // turns the stream back.
    Value languageHead(const Value& x, const std::string& embedding);
    Value linear(const std::string& name, const Value& x) { return linear(name, Operand{x, x}); }

    // Operators that several families share.
    Value activation(const std::string& function, const Value& x); // by config.json's name
    // q [batch, position, heads × size], k and v [batch, position, keyValueHeads × size]; `mask` bool, true
    // where a query may look at a key; returns the context in q's shape.
    Value attention(int layer, const Value& q, const Value& k, const Value& v, std::int64_t heads,
                    std::int64_t keyValueHeads, std::int64_t size, const Value& mask);
    // What a decoder may look at: bool [batch, 1, query, key], and the positions [position, 1]. `mask` is 1
    // for tokens, 0 for padding.
    struct Causal {
        Value allowed, positions;
    };
    Causal causal(const Value& ids, const Value& mask);
    Value index(std::int64_t value); // a scalar int64
    Value toFloat(const Value& x);
    Value splitHeads(const Value& x, std::int64_t heads, std::int64_t size); // [batch, head, position, size]

private:
    Value weight(const Linear& linear, const std::set<int>& split, bool integers);
    Value paddingFor(Site site);

    const ExportSubject& subject_;
    OnnxWeights weights_;
    OnnxGraph graph_;
    std::map<std::string, at::Tensor> tensors_;
    std::map<std::string, Value> steps_;
    Value padding_;
};

// How a model family's graph is put together. One file each, registered on its last line.
class OnnxFamily {
public:
    virtual ~OnnxFamily() = default;
    virtual std::string_view id() const = 0; // the architecture's
    virtual void build(OnnxModel& model) const = 0;
};

template <>
Registry<OnnxFamily>& Registry<OnnxFamily>::instance();

} // namespace kurtoscope
