// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/heading.h"

#include "widgets/theme.h"

#include <QDockWidget>
#include <QEvent>
#include <QFontMetrics>
#include <QHBoxLayout>
#include <QPainter>

namespace kurtoscope {

Heading::Heading(QWidget* parent) : QWidget(parent) {
    row_ = new QHBoxLayout(this);
    row_->setContentsMargins(0, 0, 0, 0);
    row_->setSpacing(4);
    row_->addStretch(1);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void Heading::setText(const QString& title, const QString& help) {
    if (title == title_ && help == help_) return;
    title_ = title;
    help_ = help;
    setToolTip(help);
    update();
}

void Heading::addControl(QWidget* control, bool last) {
    row_->insertWidget(row_->count() - (last ? 0 : atEnd_), control);
    atEnd_ += last;
    updateGeometry();
}

bool Heading::event(QEvent* event) {
    // In a view the margins are the view's; as a dock's title bar it brings its own.
    if (event->type() == QEvent::ParentChange) {
        const int gap = Theme::current().spacing;
        const bool alone = qobject_cast<QDockWidget*>(parentWidget()) != nullptr;
        row_->setContentsMargins(alone ? gap + 4 : 0, alone ? gap - 2 : 0, alone ? gap + 4 : 0, 0);
    }
    return QWidget::event(event);
}

int Heading::titleRoom() const {
    return QFontMetrics(Theme::current().strong()).horizontalAdvance(title_) + 8 + row_->sizeHint().width();
}

QSize Heading::sizeHint() const {
    const int text = QFontMetrics(Theme::current().strong()).height() + 6;
    const int top = row_->contentsMargins().top();
    return {240, std::max(text + top, row_->sizeHint().height())};
}

QSize Heading::minimumSizeHint() const {
    return {80, sizeHint().height()};
}

void Heading::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), theme.surface);
    const QMargins margins = row_->contentsMargins();
    const int start = margins.left(), top = margins.top();
    int right = width() - margins.right();
    for (int i = 0; i < row_->count(); ++i)
        if (QWidget* control = row_->itemAt(i)->widget(); control && !control->isHidden())
            right = std::min(right, control->x() - 4);
    painter.setFont(theme.strong());
    painter.setPen(theme.text);
    const QFontMetrics bold(theme.strong());
    const QString shown = bold.elidedText(title_, Qt::ElideRight, right - start);
    painter.drawText(QRect(start, top, right - start, height() - top), Qt::AlignVCenter | Qt::AlignLeft,
                     shown);
    const int left = start + bold.horizontalAdvance(shown) + 10, room = right - 4 - left;
    painter.setFont(theme.small());
    painter.setPen(theme.muted);
    const QFontMetrics plain(theme.small());
    painter.drawText(QRect(left, top + 1, room, height() - top), Qt::AlignVCenter | Qt::AlignLeft,
                     phrasesThatFit(help_, plain, room));
}

} // namespace kurtoscope
