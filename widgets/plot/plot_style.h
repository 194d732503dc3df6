// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QCustomPlot;
class QCPAxis;

namespace kurtoscope {

// The look all plots share, from the current theme: no frame, thin grid, small grey labels, no antialiased
// axes. Figures on the axes read "10k", not "1e4".
void stylePlot(QCustomPlot& plot);
void styleAxis(QCPAxis& axis, bool line);
void useLinearTicks(QCPAxis& axis, int about);
void useLogTicks(QCPAxis& axis);                  // powers of ten, or 1-2-5 within a few decades
void useIndexTicks(QCPAxis& axis, int about = 6); // whole numbers only

} // namespace kurtoscope
