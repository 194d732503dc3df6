// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/fact_list.h"

#include "widgets/theme.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace kurtoscope {

FactList::FactList(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void FactList::setFacts(std::vector<Fact> facts) {
    facts_ = std::move(facts);
    aim_ = std::min(aim_, static_cast<int>(facts_.size()) - 1);
    setAccessibleDescription(text());
    updateGeometry();
    update();
}

void FactList::setLeads(bool leads) {
    leads_ = leads;
    setMouseTracking(leads);
    setFocusPolicy(leads ? Qt::StrongFocus : Qt::NoFocus);
    setCursor(leads ? Qt::PointingHandCursor : Qt::ArrowCursor);
}

QRect FactList::rectOf(int line) const {
    return {0, line * lineHeight(), width(), lineHeight()};
}

int FactList::lineAt(QPointF at) const {
    const int line = at.y() < 0 ? -1 : static_cast<int>(at.y()) / lineHeight();
    return line < static_cast<int>(facts_.size()) ? line : -1;
}

void FactList::aimAt(int line) {
    if (std::exchange(aim_, line) != line) update();
}

QString FactList::text() const {
    QString lines;
    for (const Fact& fact : facts_)
        lines += fact.what + "\t" + fact.figure + "\n";
    return lines;
}

int FactList::lineHeight() const {
    return QFontMetrics(Theme::current().body()).height() + 8;
}

QSize FactList::sizeHint() const {
    return {240, lineHeight() * static_cast<int>(facts_.size())};
}

void FactList::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), theme.surface);
    painter.setFont(theme.body());
    const QFontMetricsF metrics(theme.body());
    const int line = lineHeight();
    for (std::size_t i = 0; i < facts_.size(); ++i) {
        const QRectF box(0, static_cast<int>(i) * line, width(), line);
        if (leads_ && static_cast<int>(i) == aim_)
            painter.fillRect(box.adjusted(0, 0, 0, -1), hasFocus() ? theme.primarySoft : theme.raised);
        const double figure = tabularWidth(theme.body(), facts_[i].figure);
        painter.setPen(theme.muted);
        const double room = box.width() - figure - 20;
        painter.drawText(box.adjusted(6, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                         metrics.elidedText(facts_[i].what, Qt::ElideRight, room));
        painter.setPen(theme.text);
        drawTabular(painter, box.adjusted(0, 0, -6, 0), Qt::AlignRight, facts_[i].figure);
        painter.setPen(theme.grid);
        painter.drawLine(box.bottomLeft() - QPointF(0, 0.5), box.bottomRight() - QPointF(0, 0.5));
    }
}

void FactList::mouseMoveEvent(QMouseEvent* event) {
    if (leads_) aimAt(lineAt(event->position()));
}

void FactList::mousePressEvent(QMouseEvent* event) {
    const int line = lineAt(event->position());
    if (!leads_ || line < 0 || event->button() != Qt::LeftButton) return QWidget::mousePressEvent(event);
    aimAt(line);
    emit factChosen(line);
}

void FactList::leaveEvent(QEvent*) {
    if (!hasFocus()) aimAt(-1);
}

void FactList::focusInEvent(QFocusEvent* event) {
    if (aim_ < 0 && !facts_.empty()) aim_ = 0;
    update();
    QWidget::focusInEvent(event);
}

void FactList::keyPressEvent(QKeyEvent* event) {
    const int last = static_cast<int>(facts_.size()) - 1;
    if (!leads_ || last < 0) return QWidget::keyPressEvent(event);
    switch (event->key()) {
    case Qt::Key_Up:
        return aimAt(std::max(0, aim_ - 1));
    case Qt::Key_Down:
        return aimAt(std::min(last, aim_ + 1));
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
        if (aim_ >= 0) emit factChosen(aim_);
        return;
    default:
        QWidget::keyPressEvent(event);
    }
}

bool FactList::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const auto row = static_cast<std::size_t>(std::max(0, help->pos().y()) / lineHeight());
        if (row < facts_.size()) QToolTip::showText(help->globalPos(), facts_[row].tip, this);
        return true;
    }
    return QWidget::event(event);
}

} // namespace kurtoscope
