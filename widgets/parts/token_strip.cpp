// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/token_strip.h"

#include "widgets/theme.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

namespace kurtoscope {

TokenStrip::TokenStrip(QWidget* parent) : QWidget(parent) {
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void TokenStrip::setEntries(std::vector<Entry> entries, const QColor& shade) {
    entries_ = std::move(entries);
    shade_ = shade;
    updateGeometry();
    update();
}

void TokenStrip::setCurrent(int token) {
    current_ = token;
    update();
}

int TokenStrip::layOut(int width, std::vector<QRect>* boxes) const {
    const QFontMetrics metrics(Theme::current().small());
    const int height = metrics.height() + 4;
    int x = 0, y = 0;
    for (const Entry& entry : entries_) {
        const int wide = std::min(width, metrics.horizontalAdvance(entry.text) + 8);
        if (x > 0 && x + wide > width) x = 0, y += height + 3;
        if (boxes) boxes->emplace_back(x, y, wide, height);
        x += wide + 3;
    }
    return entries_.empty() ? 0 : y + height;
}

void TokenStrip::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), theme.surface);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(theme.small());
    const QFontMetrics metrics(theme.small());
    std::vector<QRect> boxes;
    layOut(width(), &boxes);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const Entry& entry = entries_[i];
        const bool current = entry.token == current_;
        painter.setPen(current ? QPen(theme.text, 1) : QPen(Qt::NoPen));
        // At most 60 % of the colour, so that the word stays readable in both themes.
        painter.setBrush(mixed(theme.surface, shade_, 0.05 + 0.55 * entry.share));
        painter.drawRoundedRect(QRectF(boxes[i]).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
        painter.setPen(theme.text);
        painter.drawText(boxes[i], Qt::AlignCenter,
                         metrics.elidedText(entry.text, Qt::ElideRight, boxes[i].width() - 4));
    }
}

int TokenStrip::entryAt(QPoint at) const {
    std::vector<QRect> boxes;
    layOut(width(), &boxes);
    for (std::size_t i = 0; i < boxes.size(); ++i)
        if (boxes[i].contains(at)) return static_cast<int>(i);
    return -1;
}

void TokenStrip::mouseReleaseEvent(QMouseEvent* event) {
    const int entry = entryAt(event->pos());
    if (entry >= 0) emit tokenChosen(entries_[static_cast<std::size_t>(entry)].token);
}

bool TokenStrip::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int entry = entryAt(help->pos());
        if (entry >= 0)
            QToolTip::showText(help->globalPos(), entries_[static_cast<std::size_t>(entry)].tip, this);
        else
            QToolTip::hideText();
        return true;
    }
    return QWidget::event(event);
}

} // namespace kurtoscope
