// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/compared_bars.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr int figureWidth = 44;

// "92 %", "0.3 %", "<0.1 %": small ones still differ.
QString share(double p) {
    return p >= 0.1 ? percent(p) : p >= 0.001 ? percent(p, 1) : QStringLiteral("<0.1 %");
}

} // namespace

ComparedBars::ComparedBars(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void ComparedBars::setEntries(std::vector<Compared> entries, const QString& recipe, const QColor& before,
                              const QColor& after) {
    entries_ = std::move(entries);
    recipe_ = recipe;
    before_ = before;
    after_ = after;
    QStringList lines;
    for (const Compared& entry : entries_)
        lines.append(tr("%1: FP32 %2, %3 %4")
                         .arg(tokenText(entry.name), share(entry.before), recipe_, share(entry.after)));
    setAccessibleDescription(lines.join(QStringLiteral("; ")));
    updateGeometry();
    update();
}

int ComparedBars::rowHeight() const {
    return QFontMetrics(Theme::current().small()).height() + 10;
}

int ComparedBars::legendHeight() const {
    return entries_.empty() ? 0 : QFontMetrics(Theme::current().small()).height() + 6;
}

QSize ComparedBars::sizeHint() const {
    return {240, legendHeight() + rowHeight() * static_cast<int>(entries_.size())};
}

void ComparedBars::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), theme.surface);
    if (entries_.empty()) return;
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(theme.small());
    const QFontMetrics metrics(theme.small());
    int names = 40;
    for (const Compared& entry : entries_)
        names = std::max(names, metrics.horizontalAdvance(tokenText(entry.name)) + 12);
    names = std::min(names, width() / 3);
    const int room = std::max(20, width() - names - 2 * figureWidth - 8);

    int x = names;
    for (const auto& [name, colour] :
         {std::pair(QStringLiteral("FP32"), before_), std::pair(recipe_, after_)}) {
        painter.fillRect(QRectF(x, (legendHeight() - 6) / 2.0 - 4, 9, 9), colour);
        painter.setPen(theme.muted);
        const QString shown = metrics.elidedText(name, Qt::ElideRight, width() - x - 14);
        painter.drawText(QRect(x + 13, 0, width() - x - 13, legendHeight() - 6),
                         Qt::AlignVCenter | Qt::AlignLeft, shown);
        x += 13 + metrics.horizontalAdvance(shown) + 14;
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const Compared& entry = entries_[i];
        const int top = legendHeight() + static_cast<int>(i) * rowHeight();
        if (i > 0 && top + rowHeight() - 4 > height()) break; // half a row would read as another figure
        const double bar = (rowHeight() - 6) / 2.0;
        painter.setPen(theme.text);
        painter.drawText(QRect(0, top, names - 8, rowHeight() - 4), Qt::AlignVCenter | Qt::AlignRight,
                         metrics.elidedText(tokenText(entry.name), Qt::ElideRight, names - 8));
        painter.fillRect(QRectF(names, top + 1, std::max(1.0, room * entry.before), bar), before_);
        painter.fillRect(QRectF(names, top + 1 + bar, std::max(1.0, room * entry.after), bar), after_);
        const QRectF figures(names + room + 4, top, 2 * figureWidth, rowHeight() - 4);
        painter.setPen(theme.muted);
        drawTabular(painter, QRectF(figures.left(), figures.top(), figureWidth, figures.height()),
                    Qt::AlignRight, share(entry.before));
        painter.setPen(theme.text);
        drawTabular(painter,
                    QRectF(figures.left() + figureWidth, figures.top(), figureWidth, figures.height()),
                    Qt::AlignRight, share(entry.after));
    }
}

bool ComparedBars::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip) return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const int row = (help->pos().y() - legendHeight()) / rowHeight();
    if (help->pos().y() >= legendHeight() && row < static_cast<int>(entries_.size())) {
        const Compared& entry = entries_[static_cast<std::size_t>(row)];
        QToolTip::showText(
            help->globalPos(),
            tr("“%1”\nFP32: %2\n%3: %4")
                .arg(tokenText(entry.name), percent(entry.before, 3), recipe_, percent(entry.after, 3)),
            this);
    } else {
        QToolTip::hideText();
    }
    return true;
}

} // namespace kurtoscope
