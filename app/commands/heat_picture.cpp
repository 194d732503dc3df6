// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/heat_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace kurtoscope::commands {
namespace {

// Nine even steps of viridis by van der Walt and Smith (2015, CC0), https://bids.github.io/colormap/
constexpr std::array<Colour, 9> steps{{{0x44, 0x01, 0x54},
                                       {0x47, 0x2d, 0x7b},
                                       {0x3b, 0x52, 0x8b},
                                       {0x2c, 0x72, 0x8e},
                                       {0x21, 0x91, 0x8c},
                                       {0x28, 0xae, 0x80},
                                       {0x5e, 0xc9, 0x62},
                                       {0xad, 0xdc, 0x30},
                                       {0xfd, 0xe7, 0x25}}};
constexpr Colour keptColour{0xff, 0x7f, 0x0e};
constexpr int widest = 1200;

std::uint8_t between(std::uint8_t a, std::uint8_t b, double share) {
    return static_cast<std::uint8_t>(std::lround(a + (b - a) * share));
}

struct Cell {
    int left, top, right, bottom;
};

void outline(Picture& picture, const Cell& cell) {
    for (int x = cell.left - 1; x <= cell.right; ++x)
        for (const int y : {cell.top, cell.bottom - 1})
            picture.set(x, y, keptColour);
    for (int y = cell.top; y < cell.bottom; ++y)
        for (const int x : {cell.left - 1, cell.right})
            picture.set(x, y, keptColour);
}

// Dead channels would stretch a logarithmic scale without end: it begins at the 1st percentile.
void findScale(HeatPicture& heat, const std::vector<const SiteStats*>& sites) {
    std::vector<float> positive;
    for (const auto* stats : sites)
        for (const float value : stats->absmax)
            if (std::isfinite(value) && value > 0) positive.push_back(value);
    if (positive.empty()) positive = {1};
    const auto first = positive.begin() + static_cast<std::ptrdiff_t>(positive.size() / 100);
    std::nth_element(positive.begin(), first, positive.end());
    heat.low = *first;
    heat.high = *std::max_element(positive.begin(), positive.end());
}

} // namespace

Colour viridis(double share) {
    const double at = std::clamp(std::isnan(share) ? 0.0 : share, 0.0, 1.0) * (steps.size() - 1);
    const auto i = std::min(static_cast<std::size_t>(at), steps.size() - 2);
    const double rest = at - static_cast<double>(i);
    return {between(steps[i].red, steps[i + 1].red, rest), between(steps[i].green, steps[i + 1].green, rest),
            between(steps[i].blue, steps[i + 1].blue, rest)};
}

std::string viridisGradient() {
    std::string css = "linear-gradient(to right";
    for (const Colour& step : steps) {
        std::array<char, 16> hex{};
        std::snprintf(hex.data(), hex.size(), ",#%02x%02x%02x", step.red, step.green, step.blue);
        css += hex.data();
    }
    return css + ")";
}

HeatPicture drawHeatPicture(const std::vector<const SiteStats*>& sites, const Recipe* keeping) {
    HeatPicture heat;
    heat.layers = static_cast<int>(sites.size());
    heat.channels = sites.front()->channels;
    heat.pooled = (heat.channels + widest - 1) / widest;
    findScale(heat, sites);

    const int columns = (heat.channels + heat.pooled - 1) / heat.pooled;
    const int cellWidth = std::max(1, widest / columns);
    const int cellHeight = std::clamp(240 / heat.layers, 7, 28);
    const double span = std::log(heat.high) - std::log(heat.low);
    heat.picture = Picture(columns * cellWidth, heat.layers * cellHeight);
    const auto cellAt = [&](int layer, int column) {
        return Cell{column * cellWidth, layer * cellHeight, (column + 1) * cellWidth,
                    (layer + 1) * cellHeight};
    };
    for (int layer = 0; layer < heat.layers; ++layer)
        for (int column = 0; column < columns; ++column) {
            const auto& values = sites[static_cast<std::size_t>(layer)]->absmax;
            const auto begin = values.begin() + column * heat.pooled;
            const auto end = values.begin() + std::min((column + 1) * heat.pooled, heat.channels);
            const double value = *std::max_element(begin, end);
            const Colour colour =
                viridis(span > 0 && value > 0 ? (std::log(value) - std::log(heat.low)) / span : 0);
            const Cell cell = cellAt(layer, column);
            for (int y = cell.top; y < cell.bottom; ++y)
                for (int x = cell.left; x < cell.right; ++x)
                    heat.picture.set(x, y, colour);
        }
    if (keeping == nullptr) return heat;
    for (int layer = 0; layer < heat.layers; ++layer) {
        const auto kept = keeping->kept.find(sites[static_cast<std::size_t>(layer)]->site);
        if (kept == keeping->kept.end()) continue;
        for (const int channel : kept->second)
            outline(heat.picture, cellAt(layer, channel / heat.pooled));
        heat.kept += static_cast<int>(kept->second.size());
    }
    return heat;
}

} // namespace kurtoscope::commands
