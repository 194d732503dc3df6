// SPDX-License-Identifier: GPL-3.0-or-later
// Integer products on an Arm processor, or on one that is emulated, against the plain loop: equal to the bit.
// Beside the other tests, as it needs neither Qt nor torch there. See run.
#include "core/quantization/kernels/integer_product.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>

using namespace kurtoscope;

namespace {

std::mt19937 random_(7);

int between(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
}
float real() {
    return std::normal_distribution<float>()(random_);
}

// Whether `kernel` makes the plain loop's product of these sizes, `kept` channels beside it, onto what is
// there where `onto` says so.
bool agrees(const IntegerKernel& kernel, std::int64_t rows, std::int64_t outputs, std::int64_t inputs, int kept,
            bool onto) {
    std::vector<std::int8_t> q(std::size_t(outputs * inputs));
    for (auto& value : q)
        value = static_cast<std::int8_t>(between(-127, 127));
    std::vector<int> keptInputs;
    std::vector<float> columns, scales, bias;
    for (int k = 0; k < kept; ++k) {
        keptInputs.push_back(k * 3);
        for (std::int64_t output = 0; output < outputs; ++output) {
            q[std::size_t(output * inputs + k * 3)] = 0;
            columns.push_back(real());
        }
    }
    for (std::int64_t output = 0; output < outputs; ++output)
        scales.push_back(0.01F + std::abs(real())), bias.push_back(real());
    const PackedWeight weight(q.data(), outputs, inputs, scales, bias.data(), keptInputs, columns);

    IntegerRows x;
    x.rows = rows, x.channels = inputs;
    x.stride = (inputs + IntegerRows::whole - 1) / IntegerRows::whole * IntegerRows::whole;
    x.values = AlignedBytes(std::size_t(rows * x.stride));
    x.keptCount = kept;
    for (std::int64_t row = 0; row < rows; ++row) {
        std::int32_t sum = 0;
        for (std::int64_t i = 0; i < inputs; ++i) {
            // Rows of the widest values among them.
            const int value = row % 3 == 0 ? (between(0, 1) == 0 ? -128 : 127) : between(-128, 127);
            x.values.as<std::int8_t>()[row * x.stride + i] = static_cast<std::int8_t>(value);
            sum += value;
        }
        x.scales.push_back(0.01F + std::abs(real()));
        x.zeros.push_back(between(-5, 5));
        x.sums.push_back(sum);
        for (int k = 0; k < kept; ++k)
            x.kept.push_back(real());
    }
    std::vector<float> expected(std::size_t(rows * outputs)), made(expected.size());
    if (onto) {
        for (auto& value : made)
            value = real();
        expected = made;
        weight.multiplyBy(portableKernel, x, expected.data(), 0, {}, true);
    } else {
        weight.multiplyPlainly(x, expected.data());
    }
    weight.multiplyBy(kernel, x, made.data(), 0, {}, onto);
    return std::memcmp(made.data(), expected.data(), made.size() * sizeof(float)) == 0;
}

} // namespace

int main() {
    const auto kernels = integerKernels();
    if (std::string(kernels.front()->name) != "Arm dot product") {
        std::printf("the fastest kernel here is %s\n", kernels.front()->name);
        return 1;
    }
    int failed = 0, passed = 0;
    for (const IntegerKernel* kernel : kernels)
        for (const auto& [rows, outputs, inputs] :
             {std::array<std::int64_t, 3>{1, 1, 1}, {7, 16, 32}, {6, 33, 100}, {13, 48, 64}, {40, 100, 257}, {5, 31, 8}})
            for (const int kept : {0, 3})
                for (const bool onto : {false, true}) {
                    if (kept * 3 > inputs) continue;
                    const bool same = agrees(*kernel, rows, outputs, inputs, kept, onto);
                    ++(same ? passed : failed);
                    if (!same)
                        std::printf("%s: %d x %d -> %d, %d kept, onto %d differs\n", kernel->name, int(rows),
                                    int(inputs), int(outputs), kept, int(onto));
                }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 20 ? 0 : 1;
}
