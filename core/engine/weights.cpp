// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/weights.h"

#include "core/base/error.h"
#include "core/base/parallel.h"
#include "core/engine/weight_memory.h"

#include <atomic>

namespace kurtoscope {
namespace {

std::string shapeText(at::IntArrayRef shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i)
        text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

// x·0 is NaN exactly for NaN and ±∞, so one sum tells whether any is there.
bool allFinite(const float* values, std::int64_t count) {
    std::atomic<bool> finite = true;
    parallelFor(count, 1 << 18, [&](std::int64_t begin, std::int64_t end) {
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t i = begin; i < end; ++i)
            sum += values[i] * 0.0f;
        if (sum != 0.0f || sum != sum) finite = false;
    });
    return finite;
}

at::Tensor widen(const StoredTensor& stored) {
    at::Tensor tensor = WeightMemory::empty(stored.shape);
    float* out = tensor.data_ptr<float>();
    if (stored.shape.size() == 2 && stored.elements() > (1 << 16)) {
        const std::int64_t columns = stored.shape[1];
        parallelFor(stored.shape[0], std::max<std::int64_t>(1, (1 << 16) / columns),
                    [&](std::int64_t begin, std::int64_t end) {
                        dequantizeRows(
                            stored, begin, end - begin,
                            {out + begin * columns, static_cast<std::size_t>((end - begin) * columns)});
                    });
    } else {
        dequantize(stored, {out, static_cast<std::size_t>(stored.elements())});
    }
    return tensor;
}

} // namespace

Weights::Weights(const ModelFolder& folder, std::stop_token stop, const OnProgress& progress)
    : folder_(folder), stop_(std::move(stop)), progress_(progress) {}

std::vector<std::int64_t> Weights::shapeOf(const std::string& name) const {
    const StoredTensor* stored = folder_.find(name);
    if (!stored)
        throw Error("has no tensor \"" + name + "\"", folder_.path,
                    "The weights do not belong to this config.json, or the download is incomplete");
    return stored->shape;
}

at::Tensor Weights::load(const std::string& name, at::IntArrayRef shape) {
    if (stop_.stop_requested()) throw Cancelled();
    const auto got = shapeOf(name);
    if (at::IntArrayRef(got) != shape)
        throw Error("\"" + name + "\" has shape " + shapeText(got) + ", expected " + shapeText(shape),
                    folder_.path, "The weights do not belong to this config.json");
    const StoredTensor* stored = folder_.find(name);
    at::Tensor tensor;
    const bool aligned = reinterpret_cast<std::uintptr_t>(stored->bytes.data()) % alignof(float) == 0;
    if (stored->type == StoredType::F32 && aligned && !stored->decoder) {
        const auto keepAlive = std::pair(folder_.file, folder_.dense);
        tensor = at::from_blob(
            const_cast<std::byte*>(stored->bytes.data()), got, [keepAlive](void*) {}, at::kFloat);
    } else {
        tensor = widen(*stored);
    }
    if (!allFinite(tensor.const_data_ptr<float>(), tensor.numel()))
        warnings_.push_back("\"" + name +
                            "\" holds NaN or infinite values; results that depend on it are not numbers");
    parameters_ += tensor.numel();
    loadedBytes_ += static_cast<std::int64_t>(stored->bytes.size());
    if (progress_) progress_({"Loading weights", loadedBytes_, folder_.file->fileBytes(), -1});
    return tensor;
}

at::Tensor Weights::loadIf(const std::string& name, at::IntArrayRef shape) {
    return has(name) ? load(name, shape) : at::Tensor();
}

at::Tensor Weights::loadRotary(const std::string& name, at::IntArrayRef shape, std::int64_t heads) {
    at::Tensor tensor = load(name, shape);
    if (!folder_.permutedQueryKey) return tensor;
    // llama.cpp pairs neighbouring rows (0,1), (2,3) …; Hugging Face pairs row i with i + half.
    const std::int64_t half = shape[0] / heads / 2;
    const std::int64_t rest = tensor.numel() / shape[0];
    return WeightMemory::keep(tensor.view({heads, half, 2, rest}).transpose(1, 2).contiguous().view(shape));
}

std::shared_ptr<Linear> Weights::linear(const std::string& name, Site input, Site output, std::int64_t in,
                                        std::int64_t out) {
    auto linear = std::make_shared<Linear>(Linear{name, input, output, {}, {}, false});
    linear->weight = load(name + ".weight", {out, in});
    linear->bias = loadIf(name + ".bias", {out});
    return linear;
}

} // namespace kurtoscope
