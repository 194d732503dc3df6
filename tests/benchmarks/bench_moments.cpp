// SPDX-License-Identifier: GPL-3.0-or-later
// Cost of per-channel statistics: one 256-token window of SmolLM2-135M (30 layers), site by site. Prints
// nanoseconds per value and GB/s. Not a test: figures belong to the machine. Usage: bench_moments [repeats]
#include "core/statistics/collector.h"
#include "core/statistics/moment_kernel.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

using namespace kurtoscope;

struct Shape {
    Place place;
    int channels, groups, sites; // sites: how often a window has it
};

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace

int main(int argc, char** argv) {
    const int repeats = argc > 1 ? std::atoi(argv[1]) : 5, length = 256;
    const Shape shapes[] = {
        {Place::embedding, 576, 1, 1},      {Place::attn_input, 576, 1, 30},
        {Place::query, 576, 1, 30},         {Place::key, 192, 1, 30},
        {Place::value, 192, 1, 30},         {Place::attn_probs, 256, 9, 30},
        {Place::attn_context, 576, 1, 30},  {Place::attn_output, 576, 1, 30},
        {Place::attn_residual, 576, 1, 30}, {Place::mlp_input, 576, 1, 30},
        {Place::mlp_hidden, 1536, 1, 30},   {Place::mlp_output, 576, 1, 30},
        {Place::mlp_residual, 576, 1, 30},  {Place::final_norm, 576, 1, 1},
        {Place::logits, 49152, 1, 1},
    };
    Batch batch{1, length, std::vector<int>(length, 1), {}, {length}, {0}};
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::printf("kernel: %s\n%-14s %9s %9s %9s\n", momentKernels().front().name, "place", "ns/value", "GB/s",
                "ms/window");
    double total = 0, values = 0;
    for (const Shape& shape : shapes) {
        const std::size_t size =
            static_cast<std::size_t>(shape.channels) * length * static_cast<std::size_t>(shape.groups);
        // The sites of a window lie apart in memory, as a forward pass leaves them: the next is rarely in the
        // cache.
        std::vector<std::vector<float>> tensors(static_cast<std::size_t>(shape.sites > 4 ? 4 : shape.sites));
        for (auto& tensor : tensors) {
            tensor.resize(size);
            for (float& value : tensor)
                value = normal(random);
        }
        Collector collector({});
        double best = 1e9;
        for (int repeat = 0; repeat <= repeats; ++repeat) {
            batch.windows[0] = repeat;
            const double start = seconds();
            for (int layer = 0; layer < shape.sites; ++layer)
                collector.take({isPerLayer(shape.place) ? layer : -1, shape.place},
                               {tensors[static_cast<std::size_t>(layer) % tensors.size()].data(),
                                shape.channels, shape.groups, false, &batch});
            const double took = seconds() - start;
            if (repeat > 0 && took < best) best = took; // the first makes the accumulators
        }
        const double count = static_cast<double>(size) * shape.sites;
        std::printf("%-14s %9.3f %9.2f %9.2f\n", std::string(placeName(shape.place)).c_str(),
                    best / count * 1e9, count * 4 / best / 1e9, best * 1e3);
        total += best;
        values += count;
    }
    std::printf("%-14s %9.3f %9.2f %9.2f  (%.1f M values)\n", "one window", total / values * 1e9,
                values * 4 / total / 1e9, total * 1e3, values / 1e6);
}
