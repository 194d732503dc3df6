// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/row_list.h"

#include "widgets/theme.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace kurtoscope {

RowList::RowList(int rowHeight, int tallest, QWidget* parent)
    : QWidget(parent), asked_(rowHeight), tallest_(tallest), least_(rowHeight), rowHeight_(rowHeight) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Preferred, tallest > rowHeight ? QSizePolicy::Preferred : QSizePolicy::Fixed);
    fitType();
}

// Large type needs taller rows.
void RowList::fitType() {
    const Theme& theme = Theme::current();
    const QFont& type = asked_ < 18 ? theme.small() : theme.body();
    const int height = std::max(asked_, QFontMetrics(type).height() + 3);
    if (std::exchange(least_, height) != height) updateGeometry();
    fitRoom();
}

void RowList::fitRoom() {
    const int rows = std::max(1, static_cast<int>(rows_.size())), most = std::max(tallest_, least_);
    if (most > least_) setMaximumHeight(rows * most);
    rowHeight_ = std::clamp(height() / rows, least_, most);
}

void RowList::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    fitRoom();
}

void RowList::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) fitType();
    QWidget::changeEvent(event);
}

void RowList::setRows(std::vector<Row> rows) {
    const bool resized = rows.size() != rows_.size();
    rows_ = std::move(rows);
    if (resized) updateGeometry(), fitRoom();
    update();
}

void RowList::setCurrent(int row) {
    current_ = row < static_cast<int>(rows_.size()) ? row : -1;
    setAccessibleDescription(current_ >= 0 ? rows_[static_cast<std::size_t>(current_)].label + " " +
                                                 rows_[static_cast<std::size_t>(current_)].figure
                                           : QString());
    update();
    if (current_ >= 0) emit currentShown(rectOf(current_));
}

int RowList::rowAt(int y) const {
    const int row = y / rowHeight_;
    return y >= 0 && row < static_cast<int>(rows_.size()) ? row : -1;
}

void RowList::choose(int row) {
    if (row < 0 || row >= static_cast<int>(rows_.size())) return;
    setCurrent(row);
    emit rowChosen(row);
}

void RowList::paintEvent(QPaintEvent* event) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(event->rect(), theme.surface);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool compact = asked_ < 18;
    const QFont font = theme.font(compact ? theme.smallSize : theme.fontSize);
    double figures = 0, labels = 0;
    for (const Row& row : rows_) {
        figures = std::max(figures, tabularWidth(theme.small(), row.figure));
        labels = std::max(labels, tabularWidth(font, row.label));
    }
    const int first = std::max(0, event->rect().top() / rowHeight_);
    const int last = std::min(static_cast<int>(rows_.size()) - 1, event->rect().bottom() / rowHeight_);
    for (int i = first; i <= last; ++i) {
        const Row& row = rows_[static_cast<std::size_t>(i)];
        const QRectF box(rectOf(i));
        const bool current = i == current_;
        painter.setPen(Qt::NoPen);
        if (current || i == hovered_) {
            painter.setBrush(current ? theme.primarySoft : theme.raised);
            painter.drawRoundedRect(box, 3, 3);
        }
        if (current && hasFocus()) {
            painter.setPen(QPen(theme.primary, 1));
            painter.setBrush(Qt::NoBrush);
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
            painter.setPen(Qt::NoPen);
        }
        double left = box.left() + 6;
        if (row.severity >= 0) {
            const double radius =
                2.5 + row.severity * 0.7; // size as well as colour, for eyes that tell few colours
            painter.setBrush(theme.severity[std::min(row.severity, 3)]);
            painter.drawEllipse(QPointF(left + 5, box.center().y()), radius, radius);
            left += 18;
        }
        const double right = box.right() - 6;
        if (row.bar >= 0) {
            const double start = left + labels + 8, room = right - figures - 8 - start;
            const bool thin = !row.spark.empty();
            painter.setBrush(current ? theme.primary : theme.bar);
            painter.drawRect(QRectF(start, thin ? box.bottom() - 2.5 : box.top() + 2,
                                    std::max(1.0, room * std::min(1.0, row.bar)),
                                    thin ? 2 : box.height() - 4));
            if (thin) paintSpark(painter, row, QRectF(start, box.top() + 1, room, box.height() - 4), current);
        }
        painter.setFont(current && !compact ? theme.strong() : font);
        painter.setPen(row.known ? theme.text : theme.faint);
        if (row.bar >= 0) {
            painter.setPen(current ? theme.text : theme.muted);
            drawTabular(painter, QRectF(left, box.top(), labels, box.height()), Qt::AlignRight, row.label);
        } else {
            const QFontMetricsF metrics(painter.font());
            const double room = right - left - (row.figure.isEmpty() ? 0 : figures + 8);
            painter.drawText(QRectF(left, box.top(), room, box.height()), Qt::AlignVCenter | Qt::AlignLeft,
                             metrics.elidedText(row.label, Qt::ElideRight, room));
        }
        painter.setFont(theme.small());
        painter.setPen(row.known ? theme.muted : theme.faint);
        drawTabular(painter, QRectF(right - figures, box.top(), figures, box.height()), Qt::AlignRight,
                    row.figure);
    }
}

void RowList::paintSpark(QPainter& painter, const Row& row, const QRectF& box, bool current) const {
    const Theme& theme = Theme::current();
    const double step = box.width() / static_cast<double>(row.spark.size());
    QPolygonF line;
    line.reserve(static_cast<qsizetype>(row.spark.size()) * 2 + 2);
    line << box.bottomLeft();
    double x = box.left();
    for (const float share : row.spark) { // steps: each bin as wide as it is
        const double y = box.bottom() - box.height() * static_cast<double>(std::clamp(share, 0.0F, 1.0F));
        line << QPointF(x, y) << QPointF(x + step, y);
        x += step;
    }
    line << box.bottomRight();
    painter.setPen(Qt::NoPen);
    painter.setBrush(current ? theme.primary : theme.rest);
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.drawPolygon(line);
    painter.setRenderHint(QPainter::Antialiasing, true);
}

void RowList::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) choose(rowAt(event->pos().y()));
}

void RowList::mouseMoveEvent(QMouseEvent* event) {
    if (std::exchange(hovered_, rowAt(event->pos().y())) != hovered_) update();
}

void RowList::leaveEvent(QEvent*) {
    hovered_ = -1;
    update();
}

void RowList::keyPressEvent(QKeyEvent* event) {
    const int last = static_cast<int>(rows_.size()) - 1;
    switch (event->key()) {
    case Qt::Key_Up:
        return choose(std::max(0, current_ - 1));
    case Qt::Key_Down:
        return choose(std::min(last, current_ + 1));
    case Qt::Key_Home:
        return choose(0);
    case Qt::Key_End:
        return choose(last);
    default:
        QWidget::keyPressEvent(event);
    }
}

bool RowList::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int row = rowAt(help->pos().y());
        if (row >= 0)
            QToolTip::showText(help->globalPos(), rows_[static_cast<std::size_t>(row)].tip, this,
                               rectOf(row));
        return true;
    }
    return QWidget::event(event);
}

} // namespace kurtoscope
