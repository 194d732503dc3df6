// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/curve_svg.h"

#include "app/commands/figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace kurtoscope::commands {
namespace {

constexpr double width = 380, height = 230, left = 52, right = 16, top = 26, bottom = 36;

std::string text(const char* format, double a, double b, double c = 0, double d = 0) {
    std::array<char, 160> out{};
    std::snprintf(out.data(), out.size(), format, a, b, c, d);
    return out.data();
}

bool shown(double value) {
    return std::isfinite(value) && value > 0;
}

// Whole decades make a readable axis; within two of them steps of 1, 2, 5 do, and where fewer than three of
// those lie in sight, even steps.
std::vector<double> ticks(double low, double high) {
    std::vector<double> all;
    const bool narrow = std::log10(high / low) < 2;
    for (int decade = static_cast<int>(std::floor(std::log10(low))); decade <= std::ceil(std::log10(high));
         ++decade)
        for (const double step : {1.0, 2.0, 5.0}) {
            const double value = step * std::pow(10, decade);
            if ((step == 1 || narrow) && value >= low * 0.999 && value <= high * 1.001) all.push_back(value);
        }
    const double whole = std::pow(10, std::floor(std::log10(high - low)));
    for (const double share : {1.0, 0.5, 0.2, 0.1}) {
        if (!narrow || all.size() >= 3) break;
        all.clear();
        const double step = whole * share;
        for (double at = std::ceil(low / step); at * step <= high; ++at)
            if (at > 0) all.push_back(at * step);
    }
    return all;
}

struct Frame {
    double low = 0, high = 0;
    std::size_t layers = 0;

    double x(std::size_t layer) const {
        const double share = layers < 2 ? 0.5 : static_cast<double>(layer) / static_cast<double>(layers - 1);
        return left + share * (width - left - right);
    }
    double y(double value) const {
        return top + (std::log(high) - std::log(value)) / (std::log(high) - std::log(low)) *
                         (height - top - bottom);
    }
};

Frame frameOf(const std::vector<Curve>& curves) {
    Frame frame;
    for (const auto& curve : curves) {
        frame.layers = std::max(frame.layers, curve.values.size());
        for (const double value : curve.values) {
            if (!shown(value)) continue;
            frame.low = frame.low == 0 ? value : std::min(frame.low, value);
            frame.high = std::max(frame.high, value);
        }
    }
    if (frame.low == 0) frame.low = frame.high = 1;
    frame.low /= 1.25;
    frame.high *= 1.25;
    return frame;
}

std::string axes(const Frame& frame, const CurveAxis& axis) {
    std::string svg;
    for (const double tick : ticks(frame.low, frame.high)) {
        const double y = frame.y(tick);
        svg += text(R"(<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>)", left, y, width - right,
                    y);
        svg += text(R"(<text class="axis" x="%.1f" y="%.1f" text-anchor="end">)", left - 6, y + 4) +
               (tick < 1000 ? text("%.4g", tick, 0) : figure(tick, 1)) + "</text>";
    }
    const std::size_t step = std::max<std::size_t>(1, (frame.layers + 9) / 10);
    for (std::size_t layer = 0; layer < frame.layers; layer += step)
        svg += text(R"(<text class="axis" x="%.1f" y="%.1f" text-anchor="middle">)", frame.x(layer),
                    height - bottom + 15) +
               escaped(layer < axis.marks.size() ? axis.marks[layer] : std::to_string(layer)) + "</text>";
    return svg +
           text(R"(<text class="axis" x="%.1f" y="%.1f" text-anchor="middle">)", (left + width - right) / 2,
                height - 5) +
           escaped(axis.name) + "</text>";
}

} // namespace

std::string escaped(const std::string& raw) {
    std::string out;
    for (const char c : raw) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::string curveSvg(const std::string& title, const std::vector<Curve>& curves, const CurveAxis& axis) {
    const Frame frame = frameOf(curves);
    std::string svg = text(R"(<svg viewBox="0 0 %.0f %.0f" role="img" aria-label=")", width, height) +
                      escaped(title) + R"(">)";
    svg += R"(<text class="title" x="8" y="15">)" + escaped(title) + "</text>" + axes(frame, axis);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const std::string name = "line" + std::to_string(i % curveColours);
        std::string path;
        bool pen = false;
        for (std::size_t layer = 0; layer < curves[i].values.size(); ++layer) {
            const double value = curves[i].values[layer];
            if (shown(value)) path += (pen ? "L" : "M") + text("%.1f %.1f", frame.x(layer), frame.y(value));
            pen = shown(value);
        }
        svg += R"(<path class=")" + name + R"(" d=")" + path + R"("><title>)" + escaped(curves[i].name) +
               "</title></path>";
    }
    return svg + "</svg>";
}

std::string standaloneSvg(const std::string& inlineSvg) {
    std::string svg = inlineSvg;
    svg.insert(svg.find('>') + 1,
               "<style>text{fill:#1c2128;font-family:sans-serif;font-size:12px}.title{font-size:13px}"
               ".axis{fill:#66707c;font-size:11px}.grid{stroke:#d9dee4}path{fill:none;stroke-width:1.8}"
               ".line0{stroke:#5b6570}.line1{stroke:#d55e00}.line2{stroke:#0072b2}.line3{stroke:#009e73}"
               ".line4{stroke:#cc79a7}.line5{stroke:#b8860b}</style>");
    svg.insert(4, R"( xmlns="http://www.w3.org/2000/svg" width="760" height="460")");
    return svg;
}

} // namespace kurtoscope::commands
