// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/view_menu.h"

#include "widgets/theme.h"

#include <QMenu>
#include <QPainter>

namespace kurtoscope {

ViewMenu::ViewMenu(QWidget* parent) : QToolButton(parent) {
    setObjectName("viewMenu");
    setMenu(new QMenu(this));
    setPopupMode(QToolButton::InstantPopup);
    setFocusPolicy(Qt::TabFocus);
    setCursor(Qt::PointingHandCursor);
    setToolTip(tr("Copy or save this view: PNG, SVG, PDF, or its numbers as CSV"));
    setAccessibleName(tr("Copy or save this view"));
}

QSize ViewMenu::sizeHint() const {
    return {24, QFontMetrics(Theme::current().small()).height() + 6};
}

void ViewMenu::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool lively = underMouse() || hasFocus() || isDown();
    if (lively) {
        painter.setPen(hasFocus() ? theme.primary : theme.border);
        painter.setBrush(theme.raised);
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.radius - 1,
                                theme.radius - 1);
    }
    painter.setPen(Qt::NoPen);
    painter.setBrush(lively ? theme.text : theme.muted);
    const QPointF centre = QRectF(rect()).center();
    for (const int dot : {-1, 0, 1})
        painter.drawEllipse(centre + QPointF(5.5 * dot, 0), 1.5, 1.5);
}

} // namespace kurtoscope
