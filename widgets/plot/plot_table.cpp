// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_table.h"

#include "widgets/plot/curve_plot.h"
#include "widgets/plot/heat_map_plot.h"

#include <cmath>

namespace kurtoscope {

ViewTable curveTable(const QString& xTitle, const std::vector<Curve>& curves) {
    ViewTable table{{xTitle}, {}};
    std::map<double, std::vector<double>> byX;
    for (std::size_t c = 0; c < curves.size(); ++c) {
        table.header.append(curves[c].name);
        for (std::size_t i = 0; i < curves[c].x.size(); ++i) {
            auto& row = byX[curves[c].x[i]];
            row.resize(curves.size(), std::nan(""));
            row[c] = curves[c].y[i];
        }
    }
    for (const auto& [x, row] : byX) {
        QStringList fields{ViewTable::number(x)};
        for (const double y : row)
            fields.append(ViewTable::number(y));
        table.rows.append(fields);
    }
    return table;
}

ViewTable heatTable(const HeatMap& map) {
    ViewTable table{{map.rowTitle.isEmpty() ? QStringLiteral("row") : map.rowTitle}, {}};
    for (int column = 0; column < map.columns; ++column)
        table.header.append(map.columnLabels.isEmpty() ? QString::number(column) : map.columnLabels[column]);
    for (int row = 0; row < map.rows; ++row) {
        QStringList fields{map.rowLabels.isEmpty() ? QString::number(row) : map.rowLabels[row]};
        for (int column = 0; column < map.columns; ++column)
            fields.append(ViewTable::number(static_cast<double>(map.at(row, column))));
        table.rows.append(fields);
    }
    return table;
}

} // namespace kurtoscope
