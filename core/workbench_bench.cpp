// SPDX-License-Identifier: GPL-3.0-or-later
// The facade's clock: latencies, where the time goes, and what the machine could do at most.
#include "core/workbench_state.h"

#include "core/base/clock.h"
#include "core/base/energy_meter.h"
#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/parallel.h"
#include "core/engine/kernels/bf16_product.h"
#include "core/engine/pass_memory.h"
#include "core/evaluation/metrics.h"
#include "core/evaluation/pass_times.h"
#include "core/quantization/kernels/integer_product.h"

#include <chrono>
#include <cstring>
#include <map>
#include <random>

namespace kurtoscope {
namespace {

constexpr int warmUps = 2, fewestRuns = 5;

// The least time of several calls: what disturbs a machine only ever slows it.
template <class Work>
double bestOf(int calls, Work work) {
    double best = INFINITY;
    for (int call = 0; call < calls; ++call) {
        const Clock::time_point start = Clock::now();
        work();
        best = std::min(best, secondsSince(start));
    }
    return best;
}

// By LibTorch and by our own kernel; many rows, so that laying out the weights counts for little.
double fp32Tops() {
    const std::int64_t rows = 2048, inputs = 512, outputs = 1024;
    const at::Tensor x = at::rand({rows, inputs}), w = at::rand({outputs, inputs});
    const double best =
        std::min(bestOf(6, [&] { at::linear(x, w); }), bestOf(18, [&] { product(x, w, {}); }));
    return 2.0 * double(rows * inputs * outputs) / best / 1e12;
}

std::optional<double> int8Tops() {
    if (!hasFastIntegers()) return std::nullopt;
    const std::int64_t size = 1024;
    const PackedWeight weight(std::vector<std::int8_t>(std::size_t(size * size), 1).data(), size, size,
                              std::vector<float>(std::size_t(size), 1.0F), nullptr, {}, {});
    IntegerRows x;
    x.rows = x.channels = x.stride = size;
    x.values = AlignedBytes(std::size_t(size * size));
    x.scales.assign(std::size_t(size), 1), x.zeros.assign(std::size_t(size), 0);
    x.sums.assign(std::size_t(size), 0);
    std::vector<float> out(std::size_t(size * size));
    return 2.0 * double(size * size * size) / bestOf(12, [&] { weight.multiply(x, out.data()); }) / 1e12;
}

std::optional<double> bf16Tops() {
    if (!hasBf16Products()) return std::nullopt;
    const std::int64_t size = 1024;
    const PackedBf16 weight(std::vector<std::uint16_t>(std::size_t(size * size), 0x3f80).data(), size, size);
    Bf16Rows x;
    std::vector<float> from(std::size_t(size * size), 1), out(std::size_t(size * size));
    bf16Rows(from.data(), size, size, x);
    const double best = bestOf(12, [&] { weight.multiply(x, nullptr, out.data(), size); });
    return 2.0 * double(size * size * size) / best / 1e12;
}

// Of the arithmetic in which a recipe's linear layers ran; what is simulated runs in float32.
double peakOf(const MachineFacts& machine, const RecipeArithmetic* recipe) {
    const auto real = recipe ? recipe->realFormat() : std::nullopt;
    if (!real) return machine.fp32Tops;
    return (*real == Format::bf16 ? machine.bf16Tops : machine.int8Tops).value_or(0);
}

double copyRate() {
    const std::size_t bytes = std::size_t{128} << 20;
    std::vector<char> from(bytes, 1), to(bytes);
    const double seconds = bestOf(4, [&] {
        parallelFor(64, 1, [&](std::int64_t begin, std::int64_t end) {
            const std::size_t piece = bytes / 64;
            std::memcpy(to.data() + std::size_t(begin) * piece, from.data() + std::size_t(begin) * piece,
                        std::size_t(end - begin) * piece);
        });
    });
    return 2.0 * double(bytes) / seconds;
}

Batch randomBatch(int sequences, int length, int vocabulary, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Batch batch;
    batch.sequences = sequences, batch.length = length;
    batch.lengths.assign(std::size_t(sequences), length);
    for (int i = 0; i < sequences * length; ++i)
        batch.ids.push_back(static_cast<int>(random() % std::uint64_t(vocabulary)));
    for (int i = 0; i < sequences; ++i)
        batch.windows.push_back(i);
    return batch;
}

// The rounded and packed weights that recipes hold, each counted once however many share it.
class HeldBytes {
public:
    explicit HeldBytes(const std::vector<std::shared_ptr<const RecipeArithmetic>>& recipes) {
        for (const auto& recipe : recipes)
            if (recipe) all_.merge(recipe->heldBytes());
    }
    std::int64_t besides(const std::shared_ptr<const RecipeArithmetic>& recipe) const {
        const auto own = recipe ? recipe->heldBytes() : std::map<const void*, std::int64_t>();
        std::int64_t bytes = 0;
        for (const auto& [weight, size] : all_)
            if (!own.contains(weight)) bytes += size;
        return bytes;
    }

private:
    std::map<const void*, std::int64_t> all_;
};

struct Timed {
    int recipe = 0;
    std::shared_ptr<const RecipeArithmetic> arithmetic; // null: FP32
    PassTimes times;
    std::int64_t peakBytes = 0;
};

BenchResult resultOf(const Timed& one, int batch, int length, double operations) {
    BenchResult result;
    result.recipe = one.recipe;
    result.batch = batch, result.length = length;
    const std::vector<double>& ms = one.times.ms();
    result.runs = static_cast<int>(ms.size());
    result.p10Ms = quantile(ms, 0.1), result.p50Ms = quantile(ms, 0.5);
    result.p90Ms = quantile(ms, 0.9), result.p99Ms = quantile(ms, 0.99);
    result.tokensPerSecond = 1000.0 * batch * length / result.p50Ms;
    result.tops = operations / (result.p50Ms / 1000) / 1e12;
    result.peakBytes = one.peakBytes;
    result.phases = one.times.phases();
    result.joules = one.times.joules();
    result.graph = one.times.replays();
    result.graphShortfall = one.times.graphShortfall();
    result.kernels = one.arithmetic ? one.arithmetic->kernels() : KernelTag::floating;
    return result;
}

} // namespace

BenchReport Workbench::bench(const BenchRequest& request, std::stop_token stop,
                             const std::function<void(const BenchResult&)>& onResult,
                             const OnProgress& progress) {
    const c10::InferenceMode inference;
    const Transformer& base = *impl_->current().transformer;
    const ModelInfo& info = base.info();
    for (const Recipe& recipe : request.recipes)
        validate(recipe);
    for (const int length : request.lengths)
        if (length < 1 || length > info.maxLength)
            throw Error(std::to_string(length) + " tokens are more than the model's " +
                            std::to_string(info.maxLength) + " positions, or none",
                        "", "Give a length from 1 to " + std::to_string(info.maxLength));
    BenchReport report;
    report.machine.device = deviceText();
    if (progress) progress({"Measuring the machine", 0, 0, -1});
    if (request.machine && impl_->device.is_cpu())
        report.machine.fp32Tops = fp32Tops(), report.machine.int8Tops = int8Tops(),
        report.machine.bf16Tops = bf16Tops(), report.machine.bytesPerSecond = copyRate();

    // Ranges and criteria take random tokens too: what a clock reads does not depend on them.
    PreparedData data;
    std::vector<Batch> calibration;
    for (int i = 0; i < 4; ++i)
        calibration.push_back(randomBatch(1, std::min(128, info.maxLength), info.vocabulary,
                                          impl_->options.seed + 1000 + std::uint64_t(i)));
    data.calibrations[{0, 0}] = std::make_unique<CalibrationSet>(std::move(calibration), impl_->device);
    std::vector<std::shared_ptr<const RecipeArithmetic>> made;
    for (std::size_t i = 0; i < request.recipes.size(); ++i) {
        Recipe recipe = request.recipes[i];
        recipe.samples = recipe.sampleSeed = 0;
        recipe = impl_->resolve(recipe, data, stop, progress);
        made.push_back(impl_->arithmetic(recipe, data, stop, progress, choiceAt(request.kernels, i)));
    }
    EnergyMeter meter(!impl_->device.is_cpu());
    report.machine.energySource = meter.source();
    double macs = 0; // of a token
    for (const auto& linear : base.linears())
        macs += double(linear->weight.numel());

    std::size_t done = 0;
    const std::size_t total = request.batches.size() * request.lengths.size();
    for (const int count : request.batches)
        for (const int length : request.lengths) {
            const Batch batch = randomBatch(count, length, info.vocabulary, impl_->options.seed);
            std::vector<Timed> timed;
            for (const auto& recipe : made)
                if (recipe) recipe->beginAnew(); // a size that was refused says nothing of the next
            for (std::size_t i = 0; i < made.size(); ++i)
                timed.push_back(
                    {static_cast<int>(i), made[i], {base, made[i].get(), impl_->device, request.graphs}, 0});
            for (int run = -warmUps; run < request.runs; ++run) {
                if (progress)
                    progress({"Timing " + std::to_string(count) + " × " + std::to_string(length),
                              std::int64_t(done), std::int64_t(total), -1});
                bool enough = run >= fewestRuns;
                for (Timed& one : timed) {
                    if (stop.stop_requested()) throw Cancelled();
                    if (run >= fewestRuns && one.times.seconds() > request.seconds) continue;
                    enough = false;
                    const bool first = run == -warmUps;
                    if (first) PassMemory::giveBack(); // of other sizes and recipes
                    const bool forgotten = first && forgetPeak();
                    one.times.run(batch, stop, &meter);
                    if (run < 0) one.times.forget();
                    if (!first) continue;
                    // Without a peak of its own, the program's since it began stands for every recipe.
                    const std::int64_t others = forgotten ? HeldBytes(made).besides(one.arithmetic) : 0;
                    one.peakBytes = peakResidentBytes() - others;
                }
                if (enough) break;
            }
            for (const Timed& one : timed) {
                BenchResult result = resultOf(one, count, length, 2 * macs * count * length);
                result.threads = impl_->options.threads;
                result.peakTops = peakOf(report.machine, one.arithmetic.get());
                if (one.arithmetic &&
                    choiceAt(request.kernels, std::size_t(one.recipe)) == KernelChoice::automatic)
                    result.shortfall = one.arithmetic->shortfall();
                report.results.push_back(result);
                if (onResult) onResult(result);
            }
            ++done;
        }
    return report;
}

} // namespace kurtoscope
