// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/view_table.h"

#include <vector>

namespace kurtoscope {

struct Curve;
struct HeatMap;

// The numbers of a picture: one row per x, one column per curve; or as the map's rows and columns stand.
KURTOSCOPE_WIDGETS_API ViewTable curveTable(const QString& xTitle, const std::vector<Curve>& curves);
KURTOSCOPE_WIDGETS_API ViewTable heatTable(const HeatMap& map);

} // namespace kurtoscope
