// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/kernels/integer_product.h"

#include "core/base/grain.h"
#include "core/base/side_by_side.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <omp.h>

namespace kurtoscope {
namespace {

constexpr std::int64_t stripBytes = 48 * 1024; // rows of activations that stay near
constexpr std::int64_t farBytes = 8 << 20;     // of panels: more than the second cache
constexpr std::int64_t farStripBytes = 512 * 1024;
constexpr std::int64_t pastCaches = 4 << 20;   // floats of a result that no cache keeps for its reader
constexpr std::int64_t tileRows = 14;          // of the widest kernel: strips are made of whole tiles
constexpr std::int64_t pairOutputs = 2 * PackedWeight::panel;

AlignedBytes floats(const std::vector<float>& values, std::int64_t padded) {
    AlignedBytes made(std::size_t(padded) * sizeof(float));
    std::copy(values.begin(), values.end(), made.as<float>());
    return made;
}

// How a product is shared out: strips of rows that stay near while the weight's panels pass by, and the panels,
// two by two, where there are few strips. Where there are fewer than threads, each panel is read by one thread
// alone.
struct Shares {
    std::int64_t rows, tiles, pairs, strips, parts;
    bool threads; // whether several are worth it

    std::int64_t firstRow(std::int64_t strip) const { return strip * tiles / strips * rows / tiles; }
    std::int64_t firstPanel(std::int64_t part) const { return part * pairs / parts * 2; }
};

// `outputs`: of all sums of these rows, each from a whole pair of panels on.
Shares sharesOf(const std::vector<PackedWeight::Term>& terms, std::int64_t outputs) {
    const std::int64_t rows = terms.front().x->rows;
    std::int64_t inputs = 0;
    for (const PackedWeight::Term& term : terms)
        inputs += term.x->stride;
    const std::int64_t threads = omp_get_max_threads(), tiles = (rows + tileRows - 1) / tileRows;
    // Where the panels come from far, all rows lie in the second cache instead, and each panel comes once.
    const bool far = inputs * outputs > farBytes;
    const std::int64_t stripTiles = std::max<std::int64_t>(2, (far ? farStripBytes : stripBytes) / tileRows /
                                                                  std::max<std::int64_t>(1, inputs));
    const std::int64_t whole = (tiles + stripTiles - 1) / stripTiles;
    Shares made{rows, tiles, (outputs + pairOutputs - 1) / pairOutputs, 0, 0,
                isWorthThreads(rows * inputs * outputs)};
    const bool few = whole < threads;
    made.strips = far || few ? whole : std::min(tiles, (whole + threads - 1) / threads * threads);
    made.parts =
        std::clamp<std::int64_t>(((few ? threads : 4 * threads) + made.strips - 1) /
                                     std::max<std::int64_t>(1, made.strips),
                                 1, made.pairs);
    return made;
}

} // namespace

PackedWeight::PackedWeight(const std::int8_t* q, std::int64_t outputs, std::int64_t inputs,
                           std::vector<float> scales, const float* bias, std::vector<int> keptInputs,
                           std::vector<float> keptColumns)
    : outputs_(outputs),
      inputs_(inputs),
      groups_((inputs + 7) / 8 * 2),
      panels_(std::size_t(paddedOutputs() * groups_ * 4)),
      scales_(floats(scales, paddedOutputs())),
      bias_(std::size_t(paddedOutputs()) * sizeof(float)),
      sums_(std::size_t(paddedOutputs()) * sizeof(std::int32_t)),
      keptInputs_(std::move(keptInputs)),
      kept_(keptInputs_.size() * std::size_t(paddedOutputs()) * sizeof(float)) {
    if (bias) std::copy(bias, bias + outputs, bias_.as<float>());
    std::memset(panels_.as<std::uint8_t>(), 128, panels_.size()); // zero, raised by 128
    for (std::int64_t output = 0; output < outputs; ++output)
        putRow(output, q + output * inputs);
    keep(keptColumns);
}

PackedWeight::PackedWeight(const PackedWeight& base, const ToggledColumns& toggled)
    : outputs_(base.outputs_),
      inputs_(base.inputs_),
      groups_(base.groups_),
      panels_(base.panels_.copy()),
      scales_(base.scales_.copy()),
      bias_(base.bias_.copy()),
      sums_(base.sums_.copy()),
      keptInputs_(toggled.keptInputs),
      kept_(keptInputs_.size() * std::size_t(paddedOutputs()) * sizeof(float)) {
    const std::int8_t* q = toggled.columnsQ.data();
    for (const int column : toggled.columns)
        for (std::int64_t output = 0; output < outputs_; ++output, ++q) {
            std::uint8_t& at = groupAt(output)[column / 4 * panel * 4 + column % 4];
            sums_.as<std::int32_t>()[output] += *q + 128 - at;
            at = static_cast<std::uint8_t>(*q + 128);
        }
    for (std::size_t i = 0; i < toggled.rows.size(); ++i) {
        scales_.as<float>()[toggled.rows[i]] = toggled.scales[i];
        putRow(toggled.rows[i], toggled.rowsQ.data() + std::int64_t(i) * inputs_);
    }
    keep(toggled.keptColumns);
}

// The first four of its integers; the next lie a panel's width of them further on.
std::uint8_t* PackedWeight::groupAt(std::int64_t output) {
    return panels_.as<std::uint8_t>() + output / panel * panel * groups_ * 4 + output % panel * 4;
}

void PackedWeight::putRow(std::int64_t output, const std::int8_t* q) {
    std::uint8_t* to = groupAt(output);
    std::int32_t sum = 0;
    for (std::int64_t input = 0; input < inputs_; ++input) {
        to[input / 4 * panel * 4 + input % 4] = static_cast<std::uint8_t>(q[input] + 128);
        sum += q[input];
    }
    sums_.as<std::int32_t>()[output] = sum;
}

void PackedWeight::keep(const std::vector<float>& columns) {
    for (std::size_t i = 0; i < keptInputs_.size(); ++i)
        std::copy_n(columns.begin() + std::ptrdiff_t(i) * outputs_, outputs_,
                    kept_.as<float>() + std::int64_t(i) * paddedOutputs());
}

void PackedWeight::multiply(const IntegerRows& x, float* out, std::int64_t stride, const AfterRows& after,
                            bool onto) const {
    static const IntegerKernel& fastest = *integerKernels().front();
    multiplyBy(fastest, x, out, stride, after, onto);
}

void PackedWeight::multiplyBy(const IntegerKernel& kernel, const IntegerRows& x, float* out,
                              std::int64_t stride, const AfterRows& after, bool onto) const {
    multiplyTogether(kernel, {{&x, this}}, out, stride, after, onto);
}

void PackedWeight::multiplyTogether(const std::vector<Term>& terms, float* out, const AfterRows& after) {
    static const IntegerKernel& fastest = *integerKernels().front();
    multiplyTogether(fastest, terms, out, 0, after, false);
}

void PackedWeight::multiplyTogether(const IntegerKernel& kernel, const std::vector<Term>& terms, float* out,
                                    std::int64_t stride, const AfterRows& after, bool onto) {
    multiplyEach(kernel, {{terms, out, stride, after, onto}});
}

void PackedWeight::multiplyEach(const std::vector<Sum>& sums) {
    static const IntegerKernel& fastest = *integerKernels().front();
    multiplyEach(fastest, sums);
}

void PackedWeight::multiplyEach(const IntegerKernel& kernel, const std::vector<Sum>& sums) {
    SideBySide sides(pairOutputs);
    for (const Sum& sum : sums)
        sides.add(sum.terms.front().weight->outputs());
    const Shares shares = sharesOf(sums.front().terms, sides.columns());
    const std::int64_t units = shares.strips * shares.parts;
    parallelFor(units, shares.threads ? 1 : units, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t unit = from; unit < to; ++unit) {
            const std::int64_t begin = shares.firstRow(unit / shares.parts),
                               end = shares.firstRow(unit / shares.parts + 1);
            const std::int64_t firstOutput = shares.firstPanel(unit % shares.parts) * panel,
                               lastOutput = shares.firstPanel(unit % shares.parts + 1) * panel;
            sides.within(firstOutput, lastOutput, [&](std::size_t i, std::int64_t first, std::int64_t last) {
                const Sum& sum = sums[i];
                const std::int64_t stride = sum.stride > 0 ? sum.stride : sum.terms.front().weight->outputs();
                const std::int64_t lastPanel = (last + pairOutputs - 1) / pairOutputs * 2;
                const bool past = !sum.after && !sum.onto && sum.terms.size() == 1 &&
                                  shares.rows * stride >= pastCaches && stride % 16 == 0 &&
                                  reinterpret_cast<std::uintptr_t>(sum.out) % 64 == 0;
                for (const Term& term : sum.terms)
                    kernel.multiply({*term.x, *term.weight, begin, end, first / panel, lastPanel,
                                     sum.out + begin * stride, stride,
                                     sum.onto || &term != &sum.terms.front(), past});
                if (sum.after) sum.after(begin, end, first, last);
            });
        }
    });
}

bool PackedWeight::multiplyInto(const std::vector<Term>& terms, const TakeRows& take) {
    static const IntegerKernel& fastest = *integerKernels().front();
    Shares shares = sharesOf(terms, terms.front().weight->outputs());
    const std::int64_t least = shares.threads ? 2 * omp_get_max_threads() : 1;
    if (shares.tiles < least) return false;
    shares.strips = std::max(shares.strips, least);
    const std::int64_t stride = terms.front().weight->paddedOutputs();
    parallelFor(shares.strips, shares.threads ? 1 : shares.strips, [&](std::int64_t from, std::int64_t to) {
        thread_local AlignedBytes strip;
        for (std::int64_t unit = from; unit < to; ++unit) {
            const std::int64_t begin = shares.firstRow(unit), end = shares.firstRow(unit + 1);
            strip.reserve(std::size_t((end - begin) * stride) * sizeof(float));
            for (const Term& term : terms)
                fastest.multiply({*term.x, *term.weight, begin, end, 0, shares.pairs * 2, strip.as<float>(),
                                  stride, &term != &terms.front()});
            take(strip.as<float>(), stride, begin, end);
        }
    });
    return true;
}

void PackedWeight::multiplyPlainly(const IntegerRows& x, float* out) const {
    for (std::int64_t row = 0; row < x.rows; ++row)
        for (std::int64_t output = 0; output < outputs_; ++output) {
            const std::uint8_t* w = panelAt(output / panel) + output % panel * 4;
            std::int64_t sum = 0;
            for (std::int64_t input = 0; input < inputs_; ++input)
                sum += (std::int64_t(w[input / 4 * panel * 4 + input % 4]) - 128) *
                       (x.values.as<std::int8_t>()[row * x.stride + input] - x.zeros[std::size_t(row)]);
            float y = std::fma(static_cast<float>(sum), x.scales[std::size_t(row)] * scales()[output],
                               bias()[output]);
            for (std::int64_t k = 0; k < x.keptCount; ++k)
                y = std::fma(x.kept[std::size_t(row * x.keptCount + k)], keptColumn(k)[output], y);
            out[row * outputs_ + output] = y;
        }
}

namespace {

void multiplyPortably(const IntegerWork& work) {
    constexpr std::int64_t width = PackedWeight::panel;
    const IntegerRows& x = work.x;
    const PackedWeight& weight = work.weight;
    for (std::int64_t panel = work.first; panel < work.last; ++panel)
        for (std::int64_t row = work.begin; row < work.end; ++row) {
            const std::int64_t first = panel * width, outputs = std::min(width, weight.outputs() - first);
            std::int32_t sums[width] = {};
            const std::int8_t* values = x.values.as<std::int8_t>() + row * x.stride;
            const std::uint8_t* w = weight.panelAt(panel);
            for (std::int64_t group = 0; group < weight.groups(); ++group, w += width * 4)
                for (std::int64_t output = 0; output < width; ++output) {
                    std::int32_t sum = 0;
                    for (int i = 0; i < 4; ++i)
                        sum += std::int32_t(w[output * 4 + i]) * values[group * 4 + i];
                    sums[output] += sum;
                }
            const auto r = std::size_t(row);
            for (std::int64_t output = 0; output < outputs; ++output) {
                const std::int32_t sum =
                    sums[output] - 128 * x.sums[r] - x.zeros[r] * weight.sums()[first + output];
                float& to = work.out[(row - work.begin) * work.stride + first + output];
                float y = std::fma(float(sum), x.scales[r] * weight.scales()[first + output],
                                   work.onto ? to : weight.bias()[first + output]);
                for (std::int64_t k = 0; k < x.keptCount; ++k)
                    y = std::fma(x.kept[r * std::size_t(x.keptCount) + std::size_t(k)],
                                 weight.keptColumn(k)[first + output], y);
                to = y;
            }
        }
}

} // namespace

const IntegerKernel portableKernel{"portable", multiplyPortably};

std::vector<const IntegerKernel*> integerKernels() {
    std::vector<const IntegerKernel*> there;
    for (const IntegerKernel* kernel : {vnniKernel(), avx2Kernel(), armKernel(), &portableKernel})
        if (kernel) there.push_back(kernel);
    return there;
}

bool hasFastIntegers() {
    return integerKernels().size() > 1;
}

} // namespace kurtoscope
