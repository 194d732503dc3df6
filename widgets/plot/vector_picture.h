// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPoint>

#include <functional>

class QPaintDevice;
class QPainter;
class QWidget;

namespace kurtoscope {

// Paints a widget with its children at `at` over `background`, its plots as lines and text and not as the
// pixels on screen. One unit is one pixel of the widget, times `scale` on the device.
void paintVectors(QWidget& widget, QPaintDevice& device, double scale,
                  const std::function<void(QPainter&)>& background, QPoint at);

} // namespace kurtoscope
