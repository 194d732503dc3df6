// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/token_strip.h"

#include "widgets/theme.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace kurtoscope {

TokenStrip::TokenStrip(QWidget* parent) : QWidget(parent) {
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
    setFocusPolicy(Qt::StrongFocus);
}

void TokenStrip::setEntries(std::vector<Entry> entries, const QColor& shade) {
    entries_ = std::move(entries);
    shade_ = shade;
    updateGeometry();
    update();
}

void TokenStrip::setCurrent(int token) {
    const bool moved = std::exchange(current_, token) != token;
    const auto found = std::ranges::find(entries_, token, &Entry::token);
    setAccessibleDescription(found != entries_.end() ? found->text + QStringLiteral(" – ") + found->tip
                                                     : QString());
    update();
    if (moved && found != entries_.end()) emit currentShown(rectOf(token));
}

void TokenStrip::setUnderlined(bool on) {
    underlined_ = on;
    updateGeometry();
    update();
}

QRect TokenStrip::rectOf(int token) const {
    std::vector<QRect> boxes;
    layOut(width(), &boxes);
    for (std::size_t i = 0; i < boxes.size(); ++i)
        if (entries_[i].token == token) return boxes[i];
    return {};
}

int TokenStrip::layOut(int width, std::vector<QRect>* boxes) const {
    const QFontMetrics metrics(Theme::current().small());
    const int height = metrics.height() + (underlined_ ? 8 : 4);
    int x = 0, y = 0;
    for (const Entry& entry : entries_) {
        const int wide = std::min(width, metrics.horizontalAdvance(entry.text) + 8);
        if (x > 0 && x + wide > width) x = 0, y += height + 3;
        if (boxes) boxes->emplace_back(x, y, wide, height);
        x += wide + 3;
    }
    return entries_.empty() ? 0 : y + height;
}

void TokenStrip::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    if (event->size().width() != event->oldSize().width()) updateGeometry();
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
        painter.setPen(current ? QPen(hasFocus() ? theme.primary : theme.text, hasFocus() ? 2 : 1)
                               : QPen(Qt::NoPen));
        // At most 60 % of the colour, so that the word stays readable in both themes.
        painter.setBrush(mixed(theme.surface, shade_,
                               (underlined_ ? 0.03 : 0.05) + (underlined_ ? 0.37 : 0.55) * entry.share));
        painter.drawRoundedRect(QRectF(boxes[i]).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3);
        if (underlined_ && entry.share > 0.02) {
            const double thick = 1 + 3 * entry.share;
            painter.fillRect(
                QRectF(boxes[i].left() + 3, boxes[i].bottom() - 1 - thick, boxes[i].width() - 6, thick),
                mixed(theme.surface, shade_, 0.35 + 0.65 * entry.share));
        }
        painter.setPen(theme.text);
        painter.drawText(underlined_ ? boxes[i].adjusted(0, 0, 0, -4) : boxes[i], Qt::AlignCenter,
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

void TokenStrip::keyPressEvent(QKeyEvent* event) {
    if (entries_.empty()) return QWidget::keyPressEvent(event);
    const auto found = std::ranges::find(entries_, current_, &Entry::token);
    const auto last = static_cast<std::ptrdiff_t>(entries_.size()) - 1;
    std::ptrdiff_t at = found != entries_.end() ? found - entries_.begin() : -1;
    switch (event->key()) {
    case Qt::Key_Left:
        at = std::max<std::ptrdiff_t>(0, at - 1);
        break;
    case Qt::Key_Right:
        at = std::min(last, at + 1);
        break;
    case Qt::Key_Home:
        at = 0;
        break;
    case Qt::Key_End:
        at = last;
        break;
    default:
        return QWidget::keyPressEvent(event);
    }
    emit tokenChosen(entries_[static_cast<std::size_t>(at)].token);
}

void TokenStrip::focusInEvent(QFocusEvent* event) {
    QWidget::focusInEvent(event);
    update();
}

void TokenStrip::focusOutEvent(QFocusEvent* event) {
    QWidget::focusOutEvent(event);
    update();
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
