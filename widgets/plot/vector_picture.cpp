// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/vector_picture.h"

#include <qcustomplot.h>

namespace kurtoscope {
namespace {

// While it stands, plots paint nothing: they are drawn again as vectors above what else the widget paints.
class Unpainted : public QObject {
public:
    bool eventFilter(QObject*, QEvent* event) override { return event->type() == QEvent::Paint; }
};

} // namespace

void paintVectors(QWidget& widget, QPaintDevice& device, double scale,
                  const std::function<void(QPainter&)>& background, QPoint at) {
    QCPPainter painter(&device);
    painter.scale(scale, scale);
    background(painter);
    QList<QCustomPlot*> plots;
    if (auto* self = qobject_cast<QCustomPlot*>(&widget)) plots.append(self);
    for (QCustomPlot* plot : widget.findChildren<QCustomPlot*>())
        if (plot->isVisibleTo(&widget)) plots.append(plot);
    {
        Unpainted filter;
        for (QCustomPlot* plot : plots)
            plot->installEventFilter(&filter);
        widget.render(&painter, at, QRegion(), QWidget::DrawChildren);
    }
    for (QCustomPlot* plot : plots) {
        painter.save();
        painter.translate(at + plot->mapTo(&widget, QPoint()));
        painter.setClipRect(plot->rect());
        painter.setMode(QCPPainter::pmVectorized);
        plot->toPainter(&painter, plot->width(), plot->height());
        painter.restore();
    }
}

} // namespace kurtoscope
