// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace kurtoscope::commands {

struct Curve {
    std::string name;
    std::vector<double> values; // by layer, from 0; what is not positive leaves a gap
};

// What lies along a figure: layers counted from 0, unless it says otherwise.
struct CurveAxis {
    std::string name = "layer";
    std::vector<std::string> marks; // of each value; empty: its number
};

// One figure over depth as inline SVG: layers along, a logarithmic axis up, one line per recipe. Text and
// axes take the page's colours (classes `axis`, `grid`, `line0` … `line5`).
std::string curveSvg(const std::string& title, const std::vector<Curve>& curves, const CurveAxis& axis = {});
inline constexpr int curveColours = 6;
// The same as a file of its own, in the light page's colours.
std::string standaloneSvg(const std::string& inlineSvg);

std::string escaped(const std::string& text); // for HTML and SVG

} // namespace kurtoscope::commands
