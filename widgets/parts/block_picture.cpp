// SPDX-License-Identifier: GPL-3.0-or-later
// The painting of a layer's drawing, from back to front: boxes, the rows that are pointed at, wires, taps.
#include "widgets/parts/block_diagram.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr double streamWidth = 4, wireWidth = 1.6;

QColor severityColour(int severity) {
    const Theme& theme = Theme::current();
    return severity < 0 ? theme.border : theme.severity[std::min(severity, 3)];
}

double dotRadius(int severity) {
    return 3.2 + 0.6 * std::max(0, severity); // size as well as colour, for eyes that tell few colours
}

} // namespace

using Kind = BlockStep::Kind;
using Track = BlockStep::Track;

void BlockDiagram::paintEvent(QPaintEvent* event) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(event->rect(), Theme::current().surface);
    paintBoxes(painter);
    paintBands(painter);
    paintStream(painter);
    paintBranches(painter);
    paintSteps(painter);
}

void BlockDiagram::paintBoxes(QPainter& painter) const {
    const Theme& theme = Theme::current();
    const double left = (xOf(Track::stream) + xOf(Track::branch)) / 2;
    for (std::size_t i = 0; i < plan_.size(); ++i) {
        if (plan_[i].kind != Kind::open) continue;
        std::size_t end = i;
        while (end + 1 < plan_.size() && plan_[end].kind != Kind::close)
            ++end;
        const QRectF box(left, rows_[i].top, width() - left - 1,
                         rows_[end].top + rows_[end].height - rows_[i].top);
        painter.setPen(QPen(theme.border, 1));
        painter.setBrush(theme.raised);
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), theme.radius, theme.radius);
        painter.setFont(theme.small());
        painter.setPen(theme.muted);
        painter.drawText(QRectF(box.left(), rows_[i].top + 1, box.width() - 6, rows_[i].height),
                         Qt::AlignRight | Qt::AlignVCenter, plan_[i].words);
    }
}

void BlockDiagram::paintBands(QPainter& painter) const {
    const Theme& theme = Theme::current();
    const auto band = [&](Place place, const QColor& colour) {
        const QRectF box = QRectF(rectOf(place)).adjusted(0.5, 0.5, -0.5, -0.5);
        painter.setPen(place == current_ ? QPen(theme.primary, hasFocus() ? 1.5 : 0.8) : QPen(Qt::NoPen));
        painter.setBrush(colour);
        painter.drawRoundedRect(box, 3, 3);
    };
    if (hovered_ && hovered_ != current_) band(*hovered_, mixed(theme.raised, theme.primarySoft, 0.5));
    if (current_) band(*current_, theme.primarySoft);
}

// Each stretch in the colour of the tensor that flows there, so that it is seen where the stream turns hot.
void BlockDiagram::paintStream(QPainter& painter) const {
    const Theme& theme = Theme::current();
    if (plan_.empty()) return;
    const double x = xOf(Track::stream);
    double from = rows_.front().centre();
    int severity = -1;
    const auto wire = [&](double to, Qt::PenStyle style) {
        painter.setPen(QPen(severityColour(severity), streamWidth, style, Qt::FlatCap));
        if (to > from) painter.drawLine(QPointF(x, from), QPointF(x, to));
        from = to;
    };
    for (std::size_t i = 0; i < plan_.size(); ++i) {
        const BlockStep& step = plan_[i];
        const Row& row = rows_[i];
        if (step.kind == Kind::before || step.kind == Kind::after) {
            const QString words = gapWords(step.kind);
            wire(row.top, Qt::SolidLine);
            if (words.isEmpty()) continue;
            wire(row.top + row.height, Qt::DotLine);
            if (step.kind == Kind::before) severity = severityBefore_;
            painter.setFont(theme.small());
            painter.setPen(theme.faint);
            painter.drawText(QRectF(x + 10, row.top, width() - x - 10, row.height), Qt::AlignVCenter, words);
        } else if (step.kind == Kind::tap && step.track == Track::stream) {
            wire(row.centre(), Qt::SolidLine);
            severity = severityOf(step.place);
        } else {
            wire(row.top + row.height, Qt::SolidLine);
        }
    }
}

void BlockDiagram::paintBranches(QPainter& painter) const {
    const Theme& theme = Theme::current();
    const double stream = xOf(Track::stream), branch = xOf(Track::branch), fan = xOf(Track::fan);
    painter.setBrush(Qt::NoBrush);
    std::size_t start = 0;
    int severity = -1;
    double from = 0;
    const auto pen = [&] {
        painter.setPen(QPen(severity < 0 ? theme.rest : severityColour(severity), wireWidth));
    };
    const auto wire = [&](double to) {
        pen();
        if (to > from) painter.drawLine(QPointF(branch, from), QPointF(branch, to));
        from = to;
    };
    bool open = false;
    for (std::size_t i = start; i < plan_.size(); ++i) {
        const BlockStep& step = plan_[i];
        const Row& row = rows_[i];
        if (step.kind == Kind::branch) {
            open = true;
            severity = -1;
            QPainterPath out(QPointF(stream, row.top - 1));
            from = row.top + row.height;
            out.cubicTo(QPointF(stream, from), QPointF(branch, row.top), QPointF(branch, from));
            pen();
            painter.drawPath(out);
        } else if (step.kind == Kind::join && open) {
            open = false;
            wire(row.top);
            QPainterPath in(QPointF(branch, row.top));
            in.cubicTo(QPointF(branch, row.centre()), QPointF(branch, row.centre()),
                       QPointF(stream, row.centre()));
            painter.drawPath(in);
        } else if (open && step.kind == Kind::tap && step.track == Track::branch) {
            wire(row.centre());
            severity = severityOf(step.place);
        } else if (open && step.kind == Kind::tap) { // side by side: a short wire to each
            pen();
            QPainterPath out(QPointF(branch, row.top - 2));
            out.quadTo(QPointF(branch, row.centre()), QPointF(fan, row.centre()));
            painter.drawPath(out);
            wire(row.top + row.height);
        }
    }
}

void BlockDiagram::paintSteps(QPainter& painter) const {
    const Theme& theme = Theme::current();
    double figures = 0;
    for (const auto& [place, tap] : taps_)
        figures = std::max(figures, tabularWidth(theme.small(), tap.figure));
    for (std::size_t i = 0; i < plan_.size(); ++i) {
        const BlockStep& step = plan_[i];
        const Row& row = rows_[i];
        if (step.kind == Kind::tap) {
            paintTap(painter, static_cast<int>(i), figures);
        } else if (step.kind == Kind::norm) {
            painter.setFont(theme.small());
            const QString word = tr("norm");
            const double wide = QFontMetricsF(theme.small()).horizontalAdvance(word) + 10;
            const double left = xOf(step.track) - std::min(wide / 2, xOf(Track::stream) - 2);
            const QRectF pill(left, row.top + 1, wide, row.height - 2);
            painter.setPen(QPen(theme.border, 1));
            painter.setBrush(theme.surface);
            painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2);
            painter.setPen(theme.muted);
            painter.drawText(pill, Qt::AlignCenter, word);
        } else if (step.kind == Kind::join) {
            const QPointF centre(xOf(Track::stream), row.centre());
            const double radius = row.height / 2 + 0.5;
            painter.setPen(QPen(theme.muted, 1.2));
            painter.setBrush(theme.surface);
            painter.drawEllipse(centre, radius, radius);
            painter.drawLine(centre - QPointF(radius - 2, 0), centre + QPointF(radius - 2, 0));
            painter.drawLine(centre - QPointF(0, radius - 2), centre + QPointF(0, radius - 2));
        }
    }
}

void BlockDiagram::paintTap(QPainter& painter, int step, double figures) const {
    const Theme& theme = Theme::current();
    const auto at = static_cast<std::size_t>(step);
    const Place place = plan_[at].place;
    const bool current = place == current_;
    const int severity = severityOf(place);
    const QPointF centre(xOf(plan_[at].track), rows_[at].centre());
    const double radius = dotRadius(severity);
    painter.setPen(QPen(current ? theme.primarySoft : theme.surface, 1.5));
    painter.setBrush(severity < 0 ? theme.surface : severityColour(severity));
    painter.drawEllipse(centre, radius + 1, radius + 1);
    if (severity < 0) {
        painter.setPen(QPen(theme.faint, 1));
        painter.drawEllipse(centre, radius, radius);
    }
    if (current) {
        painter.setPen(QPen(theme.primary, 2));
        painter.setBrush(Qt::NoBrush);
        painter.drawEllipse(centre, radius + 2.4, radius + 2.4);
    }
    const auto tap = taps_.find(place);
    const QString figure = tap == taps_.end() ? QString() : tap->second.figure;
    const double left = centre.x() + 0.85 * theme.fontSize, right = width() - 6;
    const bool onStream = plan_[at].track == Track::stream;
    painter.setFont(current || onStream ? theme.strong() : theme.body());
    painter.setPen(severity < 0 ? theme.faint : theme.text);
    const double room = right - left - (figure.isEmpty() ? 0 : figures + 6);
    painter.drawText(QRectF(left, rows_[at].top, room, rows_[at].height), Qt::AlignVCenter | Qt::AlignLeft,
                     QFontMetricsF(painter.font()).elidedText(placeText(place), Qt::ElideRight, room));
    painter.setFont(theme.small());
    painter.setPen(severity < 0 ? theme.faint : theme.muted);
    drawTabular(painter, QRectF(right - figures, rows_[at].top, figures, rows_[at].height), Qt::AlignRight,
                figure);
}

} // namespace kurtoscope
