// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/chip.h"

#include "widgets/theme.h"

#include <QFontMetrics>
#include <QPainter>

namespace kurtoscope {

Chip::Chip(QWidget* parent) : QAbstractButton(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    setCursor(Qt::PointingHandCursor);
}

void Chip::setWords(const QString& name, const QString& details) {
    setText(name);
    details_ = details;
    setAccessibleDescription(name + " " + details);
    updateGeometry();
    update();
}

QSize Chip::sizeHint() const {
    const Theme& theme = Theme::current();
    const QFontMetrics body(theme.body()), small(theme.small());
    const int details = details_.isEmpty() ? 0 : small.horizontalAdvance(details_) + 7;
    return {body.horizontalAdvance(text()) + details + 22, body.height() + 11};
}

int Chip::nameWidth() const {
    return QFontMetrics(Theme::current().body()).horizontalAdvance(text()) + 22;
}

QSize Chip::minimumSizeHint() const {
    return {std::min(90, sizeHint().width()), sizeHint().height()};
}

void Chip::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(hasFocus() ? theme.primary : underMouse() ? theme.faint : theme.border);
    painter.setBrush(underMouse() ? theme.raised : theme.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.radius, theme.radius);
    const QFontMetrics body(theme.body()), small(theme.small());
    const int room = width() - 20;
    const QString name = body.elidedText(text(), Qt::ElideMiddle, room);
    painter.setFont(theme.body());
    painter.setPen(theme.text);
    painter.drawText(QRect(11, 0, room + 2, height()), Qt::AlignVCenter | Qt::AlignLeft, name);
    const int left = 11 + body.horizontalAdvance(name) + 7;
    if (left + 16 > width() - 8) return;
    painter.setFont(theme.small());
    painter.setPen(theme.muted);
    painter.drawText(QRect(left, 1, width() - left - 8, height()), Qt::AlignVCenter | Qt::AlignLeft,
                     phrasesThatFit(details_, small, width() - left - 8));
}

void Chip::enterEvent(QEnterEvent* event) {
    QAbstractButton::enterEvent(event);
    update();
}

void Chip::leaveEvent(QEvent* event) {
    QAbstractButton::leaveEvent(event);
    update();
}

} // namespace kurtoscope
