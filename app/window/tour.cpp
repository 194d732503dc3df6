// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/tour.h"

#include "widgets/theme.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPainterPath>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace kurtoscope {
namespace {
constexpr int cardWidth = 360, gap = 14;
}

Tour::Tour(std::vector<Step> steps, QWidget* window) : QWidget(window), steps_(std::move(steps)) {
    setObjectName("tour");
    setAccessibleName(tr("Tour"));
    setFocusPolicy(Qt::StrongFocus);
    setGeometry(window->rect());
    window->installEventFilter(this); // it grows with the window

    card_ = new QFrame(this);
    card_->setObjectName("tourCard");
    card_->setFixedWidth(cardWidth);
    const Theme& theme = Theme::current();
    card_->setAutoFillBackground(true);
    QPalette back = card_->palette();
    back.setColor(QPalette::Window, theme.raised);
    card_->setPalette(back);
    card_->setFrameShape(QFrame::StyledPanel);
    title_ = new QLabel(card_);
    title_->setFont(theme.strong());
    text_ = new QLabel(card_);
    text_->setWordWrap(true);
    text_->setFixedWidth(cardWidth - 36);
    count_ = new QLabel(card_);
    count_->setProperty("muted", true);
    skip_ = new QPushButton(tr("Skip"), card_);
    skip_->setObjectName("tourSkip");
    back_ = new QPushButton(tr("Back"), card_);
    back_->setObjectName("tourBack");
    next_ = new QPushButton(card_);
    next_->setObjectName("tourNext");
    next_->setProperty("primary", true);
    for (QPushButton* button : {skip_, back_, next_})
        button->setFocusPolicy(Qt::NoFocus); // the keys are the tour's
    auto* rows = new QVBoxLayout(card_);
    rows->setContentsMargins(18, 14, 18, 12);
    rows->setSpacing(8);
    rows->addWidget(title_);
    rows->addWidget(text_);
    auto* line = new QHBoxLayout;
    line->addWidget(count_);
    line->addStretch(1);
    line->addWidget(skip_);
    line->addWidget(back_);
    line->addWidget(next_);
    rows->addLayout(line);
    connect(skip_, &QPushButton::clicked, this, &Tour::skip);
    connect(back_, &QPushButton::clicked, this, &Tour::back);
    connect(next_, &QPushButton::clicked, this, &Tour::next);
    QWidget::show();
    raise();
    setFocus();
    show(0);
}

QString Tour::words() const {
    return title_->text() + ": " + text_->text();
}

QRect Tour::lit() const {
    const QWidget* about = steps_[static_cast<std::size_t>(step_)].about;
    if (!about || !about->isVisible()) return {};
    return QRect(about->mapTo(parentWidget(), QPoint()), about->size()).adjusted(-3, -3, 3, 3) & rect();
}

void Tour::show(int step) {
    step_ = step;
    const Step& shown = steps_[static_cast<std::size_t>(step)];
    title_->setText(shown.title);
    text_->setText(shown.text);
    text_->setMinimumHeight(text_->heightForWidth(text_->width()));
    count_->setText(tr("%1 of %2").arg(step + 1).arg(steps()));
    back_->setEnabled(step > 0);
    next_->setText(step + 1 == steps() ? tr("Done") : tr("Next"));
    setAccessibleDescription(words());
    card_->adjustSize();
    const QRect target = lit();
    QPoint at((width() - card_->width()) / 2, (height() - card_->height()) / 2);
    if (!target.isEmpty()) {
        const int right = target.right() + gap, left = target.left() - gap - card_->width();
        const int below = target.bottom() + gap, above = target.top() - gap - card_->height();
        at = {std::clamp(target.left(), gap, std::max(gap, width() - card_->width() - gap)),
              std::clamp(target.center().y() - card_->height() / 2, gap,
                         std::max(gap, height() - card_->height() - gap))};
        if (right + card_->width() <= width())
            at.setX(right);
        else if (left >= 0)
            at.setX(left);
        else if (below + card_->height() <= height())
            at.setY(below);
        else if (above >= 0)
            at.setY(above);
    }
    card_->move(at);
    update();
}

void Tour::next() {
    if (step_ + 1 < steps()) return show(step_ + 1);
    skip();
}

void Tour::back() {
    if (step_ > 0) show(step_ - 1);
}

void Tour::skip() {
    hide();
    emit ended();
    deleteLater();
}

void Tour::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    QPainterPath shade;
    shade.addRect(rect());
    const QRectF target = lit();
    if (!target.isEmpty()) {
        QPainterPath hole;
        hole.addRoundedRect(target, 6, 6);
        shade -= hole;
    }
    painter.fillPath(shade, QColor(0, 0, 0, Theme::current().dark ? 150 : 95));
    painter.setPen(QPen(Theme::current().primary, 2));
    if (!target.isEmpty()) painter.drawRoundedRect(target, 6, 6);
}

void Tour::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
    case Qt::Key_Escape:
        return skip();
    case Qt::Key_Left:
    case Qt::Key_Backspace:
        return back();
    case Qt::Key_Right:
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
        return next();
    default:
        return;
    }
}

void Tour::mousePressEvent(QMouseEvent*) {}

bool Tour::eventFilter(QObject* watched, QEvent* event) {
    if (watched == parentWidget() && event->type() == QEvent::Resize) {
        setGeometry(parentWidget()->rect());
        show(step_);
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace kurtoscope
