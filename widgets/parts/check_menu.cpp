// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/check_menu.h"

#include "widgets/parts/quiet_choice.h"
#include "widgets/theme.h"

#include <QMenu>
#include <QPainter>

namespace kurtoscope {

CheckMenu::CheckMenu(const QString& noun, const QString& tip, QWidget* parent)
    : QToolButton(parent), noun_(noun) {
    setMenu(new QMenu(this));
    setPopupMode(QToolButton::InstantPopup);
    setFocusPolicy(Qt::StrongFocus);
    setCursor(Qt::PointingHandCursor);
    setAccessibleName(noun);
    setToolTip(tip);
}

void CheckMenu::setEntries(const QStringList& entries, const QStringList& checked) {
    if (entries == entries_) return;
    entries_ = entries;
    menu()->clear();
    for (const QString& entry : entries) {
        QAction* action = menu()->addAction(entry);
        action->setCheckable(true);
        action->setChecked(checked.contains(entry));
        connect(action, &QAction::toggled, this, [this] {
            update();
            emit changed();
        });
    }
    updateGeometry();
    update();
}

QStringList CheckMenu::checked() const {
    QStringList names;
    for (const QAction* action : menu()->actions())
        if (action->isChecked()) names.append(action->text());
    return names;
}

QString CheckMenu::caption() const {
    return QStringLiteral("%1 %2").arg(checked().size()).arg(noun_);
}

QSize CheckMenu::sizeHint() const {
    const QFontMetrics metrics(Theme::current().small());
    return {metrics.horizontalAdvance(QStringLiteral("00 ") + noun_) + 26, metrics.height() + 6};
}

void CheckMenu::paintEvent(QPaintEvent*) {
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
    painter.drawText(rect().adjusted(7, 0, -16, 0), Qt::AlignVCenter | Qt::AlignLeft, caption());
    const QPointF at(width() - 10, height() / 2.0);
    painter.setPen(Qt::NoPen);
    painter.setBrush(theme.muted);
    painter.drawPolygon(QPolygonF({at + QPointF(-3.5, -1.5), at + QPointF(3.5, -1.5), at + QPointF(0, 2.5)}));
}

} // namespace kurtoscope
