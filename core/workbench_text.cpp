// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's reading half: one text token by token, its attention, and the error of every channel.
#include "core/workbench_state.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/engine/blocks.h"
#include "core/evaluation/channel_errors.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kurtoscope {
namespace {

// A recipe's model before rounding: its steps at run time and nothing else, so that its streams can be set
// beside the rounded ones where a transform turned them.
class BeforeRounding : public Arithmetic {
public:
    explicit BeforeRounding(const RecipeArithmetic& recipe) : recipe_(recipe) {}
    at::Tensor value(Site, const at::Tensor& x, const Batch&) const override { return x; }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch&) const override {
        return recipe_.reshaped(site, x);
    }
    bool treats(Site) const override { return false; }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch&) const override {
        return at::linear(x, linear.weight, linear.bias);
    }

private:
    const RecipeArithmetic& recipe_;
};

struct OneText {
    Batch batch;
    int leftOut = 0;
};

Batch batchOf(std::vector<int> ids, std::vector<int> typeIds) {
    const int length = static_cast<int>(ids.size());
    return {1, length, std::move(ids), std::move(typeIds), {length}, {0}};
}

OneText typedText(const Tokenizer& tokenizer, const std::string& text, int most, std::stop_token stop) {
    Encoding encoding = tokenizer.encode(text, true, 0, stop);
    const std::size_t all = encoding.ids.size(), limit = static_cast<std::size_t>(most);
    if (all > limit) encoding = tokenizer.encode(text, true, limit, std::move(stop));
    if (encoding.ids.empty()) throw Error("the text has no tokens", "", "Type some text");
    const int leftOut = static_cast<int>(all - encoding.ids.size());
    return {batchOf(std::move(encoding.ids), std::move(encoding.typeIds)), leftOut};
}

// The first sequence of the data in the file's own order.
OneText firstText(const WindowSet& windows, int most) {
    if (windows.evaluation.empty()) throw Error("the data have no window to read", "", "Open a longer text");
    const auto first = std::min_element(
        windows.evaluation.begin(), windows.evaluation.end(),
        [](const Window& a, const Window& b) { return a.batch.windows.front() < b.batch.windows.front(); });
    const Batch& batch = first->batch;
    const int length = batch.lengths.front(), kept = std::min(length, most);
    std::vector<int> typeIds;
    if (!batch.typeIds.empty()) typeIds.assign(batch.typeIds.begin(), batch.typeIds.begin() + kept);
    return {batchOf({batch.ids.begin(), batch.ids.begin() + kept}, std::move(typeIds)), length - kept};
}

std::vector<Compared> compared(const at::Tensor& before, const at::Tensor& after, int count,
                               const std::function<std::string(int)>& nameOf) { // log-probabilities [entry]
    std::vector<Compared> found;
    const std::int64_t most = std::min<std::int64_t>(count, before.numel());
    for (const at::Tensor& side : {before, after}) {
        const at::Tensor likeliest = std::get<1>(at::topk(side, most)).to(at::kCPU);
        for (std::int64_t i = 0; i < most; ++i) {
            const int id = static_cast<int>(likeliest[i].item<std::int64_t>());
            if (std::ranges::find(found, id, &Compared::id) != found.end()) continue;
            found.push_back(
                {id, nameOf(id), std::exp(before[id].item<double>()), std::exp(after[id].item<double>())});
        }
    }
    std::ranges::stable_sort(found, [](const Compared& a, const Compared& b) {
        return std::max(a.before, a.after) > std::max(b.before, b.after);
    });
    return found;
}

void addSqnr(const at::Tensor& before, const at::Tensor& after, std::vector<TextToken>& tokens) {
    const at::Tensor signal = before.select(0, 0).square().sum(-1, false, at::kDouble).to(at::kCPU),
                     noise = (before - after).select(0, 0).square().sum(-1, false, at::kDouble).to(at::kCPU);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const double s = signal[std::int64_t(i)].item<double>(), n = noise[std::int64_t(i)].item<double>();
        tokens[i].sqnrDb.push_back(n > 0 ? static_cast<float>(10 * std::log10(s / n))
                                         : std::numeric_limits<float>::infinity());
    }
}

TokenRole roleOf(std::size_t position, const std::string& text) {
    if (position == 0) return TokenRole::first;
    const auto from = text.find_first_not_of(" \t");
    if (from == std::string::npos) return TokenRole::word;
    const std::string_view word = std::string_view(text).substr(from);
    if (word == "[SEP]" || (word.size() > 2 && word.front() == '<' && word.back() == '>'))
        return TokenRole::separator;
    return word.find_first_not_of(".,;:!?\r\n") == std::string_view::npos ? TokenRole::punctuation
                                                                          : TokenRole::word;
}

// The map of one layer and the sinks' shares of all.
class AttentionTap : public Tap {
public:
    explicit AttentionTap(AttentionReading& reading) : reading_(reading) {}
    bool wants(Site site) const override { return site.place == Place::attn_probs; }
    void take(Site site, const SiteTensor& tensor) override {
        const std::size_t n = reading_.tokens.size();
        reading_.heads = tensor.groups;
        const std::size_t at = static_cast<std::size_t>(site.layer) * static_cast<std::size_t>(tensor.groups);
        for (auto* shares : {&reading_.toFirst, &reading_.toSeparators, &reading_.toPunctuation})
            shares->resize(std::max(shares->size(), at + static_cast<std::size_t>(tensor.groups)));
        if (site.layer == reading_.layer)
            reading_.weights.assign(tensor.values,
                                    tensor.values + static_cast<std::size_t>(tensor.groups) * n * n);
        for (std::size_t head = 0; head < static_cast<std::size_t>(tensor.groups); ++head) {
            double first = 0, separators = 0, punctuation = 0;
            for (std::size_t query = 1; query < n; ++query) {
                const float* row = tensor.values + (head * n + query) * n;
                for (std::size_t key = 0; key < n; ++key) {
                    const TokenRole role = reading_.roles[key];
                    if (role == TokenRole::word) continue;
                    (role == TokenRole::first       ? first
                     : role == TokenRole::separator ? separators
                                                    : punctuation) += double(row[key]);
                }
            }
            const double queries = std::max<double>(1, double(n) - 1);
            reading_.toFirst[at + head] = static_cast<float>(first / queries);
            reading_.toSeparators[at + head] = static_cast<float>(separators / queries);
            reading_.toPunctuation[at + head] = static_cast<float>(punctuation / queries);
        }
    }

private:
    AttentionReading& reading_;
};

double evenShare(const AttentionReading& reading, TokenRole role) {
    const std::size_t n = reading.tokens.size();
    double sum = 0, seen = 0;
    const auto all = double(std::ranges::count(reading.roles, role));
    for (std::size_t query = 0; query < n; ++query) {
        seen += reading.roles[query] == role;
        if (query > 0) sum += reading.causal ? seen / double(query + 1) : all / double(n);
    }
    return n > 1 ? sum / double(n - 1) : 0;
}

} // namespace

TextReading Workbench::readText(const TextRequest& request, std::stop_token stop,
                                const OnProgress& progress) {
    const c10::InferenceMode inference;
    validate(request.recipe);
    const OpenModel& model = impl_->current();
    const Transformer& base = *model.transformer;
    const ModelInfo& info = base.info();
    const Tokenizer& tokenizer = impl_->tokenizer();
    PreparedData* data = request.data.path.empty() ? nullptr : &impl_->prepare(request.data, true, stop);
    if (!data && (request.text.empty() || needsCalibration(request.recipe)))
        throw Error("there is no text to read", "", "Open a text file");
    TextReading reading;
    reading.source = request.text;
    reading.recipe = data ? impl_->resolve(request.recipe, *data, stop, progress) : request.recipe;
    std::shared_ptr<const RecipeArithmetic> recipe;
    if (!reading.recipe.isFp32()) {
        if (!data) throw Error("a recipe needs data to calibrate on", "", "Open a text file");
        recipe = impl_->arithmetic(reading.recipe, *data, stop, progress);
    }
    const int most = std::min(std::max(1, request.maxTokens), info.maxLength);
    const OneText text = request.text.empty() ? firstText(data->windows, most)
                                              : typedText(tokenizer, request.text, most, stop);
    const Batch& batch = text.batch;
    reading.leftOut = text.leftOut;
    for (int id : batch.ids)
        reading.tokens.push_back({tokenizer.tokenText(id), 0, {}, {}});

    const Transformer& changed = recipe ? recipe->model() : base;
    const bool turned = &changed != &base;
    std::optional<BeforeRounding> exact;
    if (turned) exact.emplace(*recipe);
    Pass plain(batch, impl_->device, nullptr, exact ? &*exact : nullptr, stop),
        rounded(batch, impl_->device, nullptr, recipe.get(), stop);
    at::Tensor before = changed.embed(plain), after = changed.embed(rounded);
    for (int layer = 0; layer < info.layers; ++layer) {
        if (progress) progress({"Reading the text", layer, info.layers, -1});
        throwIfStopped(stop);
        before = changed.block(plain, layer, before);
        after = changed.block(rounded, layer, after);
        addSqnr(before, after, reading.tokens);
    }
    before = changed.finish(plain, before);
    after = changed.finish(rounded, after);
    Pass own(batch, impl_->device, nullptr, nullptr, stop);
    if (turned) before = base.hidden(own); // what FP32 itself says, not what it says up to rounding
    const at::Tensor logits = base.head(own, before), answer = changed.head(rounded, after);

    const auto token = [&](int id) { return tokenizer.tokenText(id); };
    if (logits.defined() && logits.dim() == 3) {
        reading.answers = info.causal ? TextReading::Answers::next_token : TextReading::Answers::masked_token;
        reading.measure = "KL (nats)";
        for (std::int64_t i = 0; i < batch.length; ++i) {
            throwIfStopped(stop);
            // In double, or log-probabilities of a large vocabulary leave KL below zero by their last digits.
            const at::Tensor p = at::log_softmax(logits[0][i].to(at::kDouble), -1),
                             q = at::log_softmax(answer[0][i].to(at::kDouble), -1);
            TextToken& one = reading.tokens[std::size_t(i)];
            one.divergence = (p.exp() * (p - q)).sum().item<double>();
            one.top = compared(p, q, request.topCount, token);
            reading.divergence += one.divergence / batch.length;
        }
        return reading;
    }
    const at::Tensor apart =
        (1 - at::cosine_similarity(before[0].to(at::kDouble), after[0].to(at::kDouble), -1)).to(at::kCPU);
    for (std::size_t i = 0; i < reading.tokens.size(); ++i)
        reading.tokens[i].divergence = apart[std::int64_t(i)].item<double>();
    reading.measure = "1 − cosine";
    if (logits.defined()) {
        reading.answers = TextReading::Answers::classes;
        const at::Tensor p = at::log_softmax(logits[0].to(at::kDouble), -1),
                         q = at::log_softmax(answer[0].to(at::kDouble), -1);
        reading.divergence = (p.exp() * (p - q)).sum().item<double>();
        reading.classes = compared(p, q, std::max(request.topCount, 2), [&](int id) {
            return std::size_t(id) < info.labels.size() ? info.labels[std::size_t(id)]
                                                        : "label " + std::to_string(id);
        });
        return reading;
    }
    reading.answers = TextReading::Answers::embedding;
    const Pooling pooling = model.folder.pooling;
    reading.cosine = at::cosine_similarity(pool(before, batch.lengths, pooling).to(at::kDouble),
                                           pool(after, batch.lengths, pooling).to(at::kDouble), -1)[0]
                         .item<double>();
    reading.divergence = 1 - *reading.cosine;
    return reading;
}

AttentionReading Workbench::readAttention(const AttentionRequest& request, std::stop_token stop,
                                          const OnProgress& progress) {
    const c10::InferenceMode inference;
    validate(request.recipe);
    const Transformer& base = *impl_->current().transformer;
    const ModelInfo& info = base.info();
    if (request.layer < 0 || request.layer >= info.layers)
        throw Error("there is no layer " + std::to_string(request.layer), "",
                    "Its layers are 0 to " + std::to_string(info.layers - 1));
    const Tokenizer& tokenizer = impl_->tokenizer();
    PreparedData* data = request.data.path.empty() ? nullptr : &impl_->prepare(request.data, true, stop);
    if (!data && (request.text.empty() || !request.recipe.isFp32()))
        throw Error("there is no text to read", "", "Open a text file");
    AttentionReading reading;
    reading.source = request.text;
    reading.recipe = data ? impl_->resolve(request.recipe, *data, stop, progress) : request.recipe;
    std::shared_ptr<const RecipeArithmetic> recipe;
    if (data) recipe = impl_->arithmetic(reading.recipe, *data, stop, progress);
    const int most = std::min(std::max(1, request.maxTokens), info.maxLength);
    const OneText text = request.text.empty() ? firstText(data->windows, most)
                                              : typedText(tokenizer, request.text, most, stop);
    reading.layer = request.layer, reading.layers = info.layers;
    reading.causal = info.causal;
    reading.leftOut = text.leftOut;
    for (int id : text.batch.ids)
        reading.tokens.push_back(tokenizer.tokenText(id));
    for (std::size_t i = 0; i < reading.tokens.size(); ++i)
        reading.roles.push_back(roleOf(i, reading.tokens[i]));
    AttentionTap tap(reading);
    const Transformer& transformer = recipe ? recipe->model() : base;
    Pass pass(text.batch, impl_->device, &tap, recipe.get(), stop);
    at::Tensor x = transformer.embed(pass);
    for (int layer = 0; layer < info.layers; ++layer) {
        if (progress) progress({"Reading attention", layer, info.layers, -1});
        throwIfStopped(stop);
        x = transformer.block(pass, layer, x);
    }
    reading.evenFirst = evenShare(reading, TokenRole::first);
    reading.evenSeparators = evenShare(reading, TokenRole::separator);
    reading.evenPunctuation = evenShare(reading, TokenRole::punctuation);
    return reading;
}

RoundingErrors Workbench::roundingErrors(const Recipe& asked, const DataRequest& request, int windows,
                                         std::stop_token stop, const OnProgress& progress) {
    const c10::InferenceMode inference;
    validate(asked);
    PreparedData& data = impl_->prepare(request, true, stop);
    RoundingErrors errors;
    errors.recipe = impl_->resolve(asked, data, stop, progress);
    const auto recipe = impl_->arithmetic(errors.recipe, data, stop, progress);
    if (!recipe) throw Error("fp32 rounds nothing and makes no error", "", "Give another recipe");
    const ChannelErrorProbe probe(*recipe);
    const std::size_t count = std::min(std::size_t(std::max(1, windows)), data.windows.evaluation.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (progress) progress({"Measuring errors", std::int64_t(i), std::int64_t(count), -1});
        Pass pass(data.windows.evaluation[i].batch, impl_->device, nullptr, &probe, stop);
        recipe->model().hidden(pass);
    }
    errors.windows = static_cast<int>(count);
    probe.report(errors);
    return errors;
}

} // namespace kurtoscope
