// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/legend.h"

#include "widgets/theme.h"

#include <QFontMetrics>
#include <QMouseEvent>
#include <QPainter>

namespace kurtoscope {
namespace {
constexpr int swatch = 16, gap = 14;
} // namespace

Legend::Legend(QWidget* parent) : QWidget(parent) {
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void Legend::setEntries(QList<Entry> entries) {
    entries_ = std::move(entries);
    updateGeometry();
    update();
}

int Legend::layOut(int width, QList<QRect>* boxes) const {
    const QFontMetrics metrics(Theme::current().font(Theme::current().smallSize, true));
    const int line = metrics.height() + 3;
    int x = 0, y = 0;
    for (const Entry& entry : entries_) {
        const int wide = std::min(width, swatch + 5 + metrics.horizontalAdvance(entry.name) + 2);
        if (x > 0 && x + wide > width) x = 0, y += line;
        if (boxes) boxes->append(QRect(x, y, wide, line));
        x += wide + gap;
    }
    return entries_.isEmpty() ? 0 : y + line;
}

void Legend::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), theme.surface);
    QList<QRect> boxes;
    layOut(width(), &boxes);
    for (qsizetype i = 0; i < boxes.size(); ++i) {
        const Entry& entry = entries_[i];
        const QRect box = boxes[i];
        painter.setPen(
            QPen(entry.colour, entry.strong ? 2.4 : 1.6, entry.dashed ? Qt::DashLine : Qt::SolidLine));
        painter.drawLine(box.left(), box.center().y(), box.left() + swatch, box.center().y());
        painter.setFont(theme.font(theme.smallSize, entry.strong));
        painter.setPen(entry.strong ? theme.text : theme.muted);
        const QFontMetrics metrics(painter.font());
        const int room = box.width() - swatch - 5;
        painter.drawText(box.adjusted(swatch + 5, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                         metrics.elidedText(entry.name, Qt::ElideRight, room + 1));
    }
}

void Legend::mouseReleaseEvent(QMouseEvent* event) {
    QList<QRect> boxes;
    layOut(width(), &boxes);
    for (int i = 0; i < boxes.size(); ++i)
        if (boxes[i].contains(event->pos())) return emit entryClicked(i);
}

void Legend::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    if (event->size().width() != event->oldSize().width()) updateGeometry();
}

} // namespace kurtoscope
