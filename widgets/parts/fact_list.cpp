// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/fact_list.h"

#include "widgets/theme.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

namespace kurtoscope {

FactList::FactList(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void FactList::setFacts(std::vector<Fact> facts) {
    facts_ = std::move(facts);
    setAccessibleDescription(text());
    updateGeometry();
    update();
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
