// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/view.h"

#include "widgets/parts/heading.h"
#include "widgets/theme.h"

#include <QLabel>
#include <QPainter>
#include <QStackedWidget>
#include <QVBoxLayout>

namespace kurtoscope {

template <>
Registry<ViewFactory>& Registry<ViewFactory>::instance() {
    static Registry<ViewFactory> registry;
    return registry;
}

View::View(QWidget* parent) : QWidget(parent) {
    heading_ = new Heading(this);
    empty_ = new QLabel(this);
    empty_->setAlignment(Qt::AlignCenter);
    empty_->setWordWrap(true);
    empty_->setTextFormat(Qt::PlainText);
    empty_->setObjectName("empty");
    empty_->setProperty("muted", true);
    pages_ = new QStackedWidget(this);
    pages_->addWidget(empty_);

    auto* column = new QVBoxLayout(this);
    const int gap = Theme::current().spacing;
    column->setContentsMargins(gap + 4, gap, gap + 4, gap);
    column->setSpacing(gap / 2);
    column->addWidget(heading_);
    column->addWidget(pages_, 1);
    makeMenu();
}

void View::note(const Workspace& workspace, Changes what) {
    workspace_ = &workspace;
    pending_ |= what;
}

void View::show(const Workspace& workspace, Changes what) {
    note(workspace, what);
    if (isInSight()) drawNow();
}

void View::drawWhole() {
    drawNow();
    finish();
}

QString View::describe() {
    if (isInSight()) drawWhole();
    return description();
}

ViewTable View::table() {
    if (isInSight()) drawWhole();
    return numbers();
}

void View::setInSight(bool inSight) {
    if (std::exchange(inSight_, inSight) == inSight) return;
    if (isInSight()) drawNow();
    emit needsChanged();
}

void View::takeFocus() {
    QWidget* body = pages_->currentWidget();
    QList<QWidget*> inside = body->findChildren<QWidget*>();
    inside.prepend(body);
    for (QWidget* widget : std::as_const(inside))
        if (widget->focusPolicy() & Qt::TabFocus && widget->isVisible() && widget->isEnabled())
            return widget->setFocus(Qt::TabFocusReason);
    for (QWidget* widget : heading_->findChildren<QWidget*>())
        if (widget->focusPolicy() & Qt::TabFocus && widget->isVisible())
            return widget->setFocus(Qt::TabFocusReason);
}

void View::drawNow() {
    if (!workspace_ || !pending_) return;
    const Changes what = std::exchange(pending_, Changes());
    if (what & Change::theme) {
        heading_->update();
        update();
    }
    refresh(what);
}

void View::setBody(QWidget* body) {
    pages_->addWidget(body);
    pages_->setCurrentWidget(empty_);
}

void View::setEmpty(const QString& sentence) {
    empty_->setText(sentence);
    if (!sentence.isEmpty() || pages_->count() < 2) return pages_->setCurrentIndex(0);
    pages_->setCurrentIndex(1);
    if (window()->focusWidget() == this) pages_->currentWidget()->setFocus(Qt::OtherFocusReason);
}

bool View::isEmpty() const {
    return pages_->currentIndex() == 0;
}
QString View::emptyText() const {
    return empty_->text();
}

void View::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (inSight_) drawNow();
    emit needsChanged();
}

void View::hideEvent(QHideEvent* event) {
    QWidget::hideEvent(event);
    emit needsChanged();
}

void View::paintEvent(QPaintEvent*) {
    if (!isInSight()) drawNow(); // a grab of a hidden view paints without showing it
    QPainter(this).fillRect(rect(), Theme::current().surface);
}

} // namespace kurtoscope
