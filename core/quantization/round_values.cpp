// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/round_values.h"

#include "core/base/error.h"
#include "core/quantization/calibration_set.h"
#include "core/quantization/kernels/integer_rows.h"
#include "core/quantization/round_activation.h"
#include "core/quantization/round_weight.h"
#include "core/statistics/collector.h"

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr Site anywhere{0, Place::mlp_hidden};

at::Tensor asTensor(const std::vector<float>& values, at::IntArrayRef shape) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape)
        count *= size;
    if (count != static_cast<std::int64_t>(values.size()))
        throw Error("a table of " + std::to_string(count) + " values was expected, got " +
                        std::to_string(values.size()),
                    "", "Give as many values as its sizes say");
    return at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat);
}

std::vector<int> lengthsOf(const ValueTable& table) {
    return table.lengths.empty() ? std::vector<int>(std::size_t(table.sequences), table.positions)
                                 : table.lengths;
}

std::vector<float> valuesOf(const at::Tensor& x) {
    const at::Tensor plain = x.contiguous();
    return {plain.const_data_ptr<float>(), plain.const_data_ptr<float>() + plain.numel()};
}

CalibratedSite calibrated(const ValueTable& table, const std::set<int>& kept) {
    Batch batch;
    batch.sequences = table.sequences, batch.length = table.positions;
    batch.lengths = lengthsOf(table);
    batch.ids.resize(std::size_t(table.sequences) * std::size_t(table.positions));
    for (int sequence = 0; sequence < table.sequences; ++sequence)
        batch.windows.push_back(sequence);
    CollectorOptions options;
    options.peaks = 0;
    Collector collector(options);
    SiteTensor seen;
    seen.values = table.values.data();
    seen.channels = table.channels;
    seen.batch = &batch;
    collector.take(anywhere, seen);
    CalibratedSite site;
    site.stats = collector.observation().sites.front();
    std::vector<float> inliers;
    for (int sequence = 0; sequence < table.sequences; ++sequence)
        for (int position = 0; position < batch.lengths[std::size_t(sequence)]; ++position)
            for (int channel = 0; channel < table.channels; ++channel)
                if (!kept.contains(channel))
                    inliers.push_back(table.values[(std::size_t(sequence) * std::size_t(table.positions) +
                                                    std::size_t(position)) *
                                                       std::size_t(table.channels) +
                                                   std::size_t(channel)]);
    auto histogram = std::make_shared<Histogram>(calibrationBins);
    histogram->add(inliers);
    site.histogram = std::move(histogram);
    for (const float x : inliers) {
        site.averageMin = std::min(site.averageMin, x);
        site.averageMax = std::max(site.averageMax, x);
    }
    return site;
}

} // namespace

std::vector<float> roundValues(const ActivationRule& rule, const ValueTable& table, const std::set<int>& kept,
                               const ValueTable& calibration) {
    const c10::InferenceMode inference;
    const at::Tensor x = asTensor(table.values, {table.sequences, table.positions, table.channels});
    asTensor(calibration.values, {calibration.sequences, calibration.positions, calibration.channels});
    const CalibratedSite seen = calibrated(calibration, kept);
    const SiteRounding rounding = roundingFor(rule, anywhere, table.channels, &seen, kept);
    return valuesOf(roundActivation(x, rounding, lengthsOf(table)));
}

std::vector<float> integerValues(const ActivationRule& rule, const ValueTable& table,
                                 const std::set<int>& kept, const ValueTable& calibration) {
    const c10::InferenceMode inference;
    const at::Tensor x = asTensor(table.values, {table.sequences, table.positions, table.channels});
    asTensor(calibration.values, {calibration.sequences, calibration.positions, calibration.channels});
    const CalibratedSite seen = calibrated(calibration, kept);
    const std::vector<int> channels(kept.begin(), kept.end());
    IntegerRows rows;
    integerRows(x, {}, roundingFor(rule, anywhere, table.channels, &seen, kept), lengthsOf(table), channels,
                rows);
    std::vector<float> levels;
    for (std::int64_t row = 0; row < rows.rows; ++row) {
        const std::int8_t* q = rows.values.as<std::int8_t>() + row * rows.stride;
        const auto r = std::size_t(row);
        for (std::int64_t channel = 0; channel < rows.channels; ++channel)
            levels.push_back(float(q[channel] - rows.zeros[r]) * rows.scales[r]);
        for (std::size_t k = 0; k < channels.size(); ++k) // onto a level of 0
            levels[r * std::size_t(rows.channels) + std::size_t(channels[k])] +=
                rows.kept[r * channels.size() + k];
    }
    return levels;
}

std::vector<float> roundWeightValues(const WeightRule& rule, const std::vector<float>& weight, int outputs,
                                     int inputs, const std::set<int>& kept) {
    const c10::InferenceMode inference;
    return valuesOf(roundWeight(asTensor(weight, {outputs, inputs}), rule, kept));
}

std::vector<float> integerWeightValues(const WeightRule& rule, const std::vector<float>& weight, int outputs,
                                       int inputs, const std::set<int>& kept) {
    const c10::InferenceMode inference;
    const auto made = integerWeight(asTensor(weight, {outputs, inputs}), rule, kept);
    if (!made) throw Error("these weights are no plain integers", "", "Multiply them in floating point");
    std::vector<float> levels(weight.size());
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const bool whole = kept.contains(int(i % std::size_t(inputs)));
        levels[i] = whole ? weight[i] : float(made->q[i]) * made->scales[i / std::size_t(inputs)];
    }
    return levels;
}

} // namespace kurtoscope
