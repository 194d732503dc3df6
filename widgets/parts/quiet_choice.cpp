// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/quiet_choice.h"

#include "widgets/theme.h"

#include <QAbstractItemView>
#include <QFontMetrics>
#include <QPainter>

#include <algorithm>

namespace kurtoscope {

QuietChoice::QuietChoice(const QStringList& entries, const QString& name, const QString& tip, QWidget* parent)
    : QComboBox(parent) {
    addItems(entries);
    setAccessibleName(name);
    setToolTip(tip);
    setCursor(Qt::PointingHandCursor);
    connect(this, &QComboBox::currentIndexChanged, this, [this] { updateGeometry(); });
}

QSize QuietChoice::sizeHint() const {
    const QFontMetrics metrics(Theme::current().small());
    return {metrics.horizontalAdvance(currentText()) + 26, metrics.height() + 6};
}

// No wider than its word, but the list has room for every word.
void QuietChoice::showPopup() {
    const QFontMetrics metrics(font());
    int widest = 0;
    for (int i = 0; i < count(); ++i)
        widest = std::max(widest, metrics.horizontalAdvance(itemText(i)));
    view()->setMinimumWidth(widest + 28);
    QComboBox::showPopup();
}

void QuietChoice::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool lively = underMouse() || hasFocus();
    painter.setPen(hasFocus() ? theme.primary : lively ? theme.faint : theme.border);
    painter.setBrush(theme.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.radius - 1,
                            theme.radius - 1);
    painter.setFont(theme.small());
    painter.setPen(lively ? theme.text : theme.muted);
    painter.drawText(rect().adjusted(7, 0, -16, 0), Qt::AlignVCenter | Qt::AlignLeft, currentText());
    const QPointF at(width() - 10, height() / 2.0);
    painter.setPen(Qt::NoPen);
    painter.setBrush(theme.muted);
    painter.drawPolygon(QPolygonF({at + QPointF(-3.5, -1.5), at + QPointF(3.5, -1.5), at + QPointF(0, 2.5)}));
}

} // namespace kurtoscope
