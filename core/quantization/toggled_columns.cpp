// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/toggled_columns.h"

#include "core/quantization/rounding.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace kurtoscope {
namespace {

// Whether one of the toggled channels may decide a row's range: then or now it is as large as any.
bool mayDecide(const float* row, float scale, const std::vector<int>& toggled, const NearestWeight& weight) {
    if (scale == 1) return true; // also of a row without a range
    return std::any_of(toggled.begin(), toggled.end(), [&](int channel) {
        const float size = std::abs(row[channel]);
        return std::isfinite(size) && size > 0 &&
               Grid::over(-size, size, weight.rule.bits, true).scale >= scale;
    });
}

} // namespace

std::optional<ToggledColumns> toggledColumns(const PackedWeight& base,
                                             const std::vector<std::int64_t>& channels,
                                             const std::set<int>& before, const NearestWeight& weight) {
    const std::int64_t inputs = weight.inputs;
    std::vector<int> toggled;
    std::set_symmetric_difference(before.begin(), before.end(), weight.kept.begin(), weight.kept.end(),
                                  std::back_inserter(toggled));
    if (weight.rule.granularity != Granularity::per_channel || std::int64_t(toggled.size()) > inputs / 8)
        return std::nullopt;
    std::vector<std::int32_t> inlier(static_cast<std::size_t>(inputs), -1);
    for (const int channel : weight.kept)
        inlier[std::size_t(channel)] = 0;
    const auto isKept = [&](std::int64_t channel) { return inlier[std::size_t(channel)] == 0; };
    const auto channelAt = [&](std::int64_t i) { return channels.empty() ? i : channels[std::size_t(i)]; };

    ToggledColumns change;
    std::vector<std::int8_t> q(static_cast<std::size_t>(inputs));
    std::int32_t nan = 0;
    Grid grid = Grid::over(0, 0, weight.rule.bits, true); // its ends; the scale is each row's
    for (std::int64_t output = 0; output < base.outputs(); ++output) {
        const float* row = weight.values + output * inputs;
        for (const int channel : toggled)
            if (!isKept(channel) && std::isnan(row[channel])) return std::nullopt;
        if (!mayDecide(row, base.scales()[output], toggled, weight)) continue;
        const Extent extent = extentOf(row, inputs, inlier.data());
        const Grid now = Grid::over(extent.min, extent.max, weight.rule.bits, true);
        if (now.scale == base.scales()[output]) continue;
        integersOf(row, q.data(), inputs, now, nan);
        change.rows.push_back(output);
        change.scales.push_back(now.scale);
        for (std::int64_t i = 0; i < base.inputs(); ++i)
            change.rowsQ.push_back(isKept(channelAt(i)) ? std::int8_t{0} : q[std::size_t(channelAt(i))]);
    }
    for (std::int64_t i = 0; i < base.inputs(); ++i) {
        const std::int64_t channel = channelAt(i);
        const float* column = weight.values + channel;
        if (std::binary_search(toggled.begin(), toggled.end(), int(channel))) {
            change.columns.push_back(int(i));
            for (std::int64_t output = 0; output < base.outputs(); ++output) {
                std::int8_t& to = change.columnsQ.emplace_back();
                grid.scale = base.scales()[output];
                if (!isKept(channel)) integersOf(column + output * inputs, &to, 1, grid, nan);
            }
        }
        if (!isKept(channel)) continue;
        change.keptInputs.push_back(int(i));
        for (std::int64_t output = 0; output < base.outputs(); ++output)
            change.keptColumns.push_back(column[output * inputs]);
    }
    return change;
}

} // namespace kurtoscope
