// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/sections.h"

#include "widgets/theme.h"

#include <QCoreApplication>
#include <QEvent>
#include <QTabBar>
#include <QVBoxLayout>

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr int pictureHeight = 190, leastPicture = 100, mostPicture = 240; // pixels
constexpr int besideFrom = 46; // letters' heights of width: picture and sections stand side by side

int heightFor(const QWidget& section, int width) {
    const QLayout& layout = *section.layout();
    return layout.hasHeightForWidth() ? layout.heightForWidth(width) : layout.sizeHint().height();
}

} // namespace

Sections::Sections(QWidget* picture, QWidget* note, const QString& tabsName, QWidget* parent)
    : QScrollArea(parent), picture_(picture), note_(note) {
    const int gap = Theme::current().spacing;
    page_ = new QWidget(this);
    page_->setBackgroundRole(QPalette::Base);
    auto* head = new QVBoxLayout;
    head->setSpacing(gap / 2);
    head->addWidget(picture, 1);
    head->addWidget(note);
    tabs_ = new QTabBar(page_);
    tabs_->setAccessibleName(tabsName);
    tabs_->setDrawBase(false);
    tabs_->setExpanding(false);
    tabs_->setUsesScrollButtons(false);
    tabs_->setElideMode(Qt::ElideRight);
    tabs_->setProperty("inside", true);
    tabs_->hide();
    column_ = new QVBoxLayout;
    column_->setSpacing(gap);
    column_->addWidget(tabs_);
    column_->addStretch(1);
    rows_ = new QBoxLayout(QBoxLayout::TopToBottom, page_);
    rows_->setContentsMargins(0, 0, 4, 0);
    rows_->setSpacing(gap);
    rows_->addLayout(head);
    rows_->addLayout(column_);
    setWidget(page_);
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    connect(tabs_, &QTabBar::currentChanged, this, &Sections::showChosen);
}

int Sections::add(const QString& title, std::initializer_list<QWidget*> parts, QWidget* grows) {
    auto* section = new QWidget(page_);
    auto* column = new QVBoxLayout(section);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(Theme::current().spacing / 2);
    for (QWidget* part : parts)
        column->addWidget(part, part == grows ? 1 : 0);
    if (!grows) column->addStretch(1);
    sections_.append(section);
    column_->insertWidget(column_->count() - 1, section);
    tabs_->addTab(title);
    return static_cast<int>(sections_.size()) - 1;
}

void Sections::bringForward(int section) {
    tabs_->setCurrentIndex(section);
}

// By heights that hang on the width alone, so that a scroll bar that comes or goes changes nothing.
void Sections::fit() {
    const int gap = rows_->spacing(), inside = width() - rows_->contentsMargins().right();
    const bool beside = width() >= besideFrom * Theme::current().fontSize;
    const int wide = beside ? (inside - gap) / 2 : inside;
    int all = 0;
    for (const QWidget* section : std::as_const(sections_))
        all += heightFor(*section, wide) + gap;
    const int room = beside ? height() : height() - pictureHeight - gap / 2 - note_->heightForWidth(wide);
    spread_ = whole_ || all <= room;
    rows_->setDirection(beside ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
    rows_->setStretch(0, beside ? 1 : 0);
    rows_->setStretch(1, 1);
    if (beside) {
        picture_->setMinimumHeight(pictureHeight);
        picture_->setMaximumHeight(2 * mostPicture);
    } else {
        picture_->setFixedHeight(
            spread_ ? pictureHeight
                    : std::clamp(static_cast<int>(height() * 0.4) - 60, leastPicture, mostPicture));
    }
    showChosen();
}

void Sections::showChosen() {
    tabs_->setVisible(!spread_);
    for (int i = 0; i < static_cast<int>(sections_.size()); ++i) {
        sections_[i]->setVisible(spread_ || i == tabs_->currentIndex());
        // Not setStretchFactor(), which asks for a new layout even where nothing changes.
        column_->setStretch(column_->indexOf(sections_[i]), spread_ ? 0 : 100);
    }
}

void Sections::setWhole(bool whole) {
    if (std::exchange(whole_, whole) == whole) return;
    fit();
    for (QObject* behind : {static_cast<QObject*>(page_), static_cast<QObject*>(this)}) {
        QEvent laidOut(QEvent::LayoutRequest); // the page takes its new height now, not with the next events
        QCoreApplication::sendEvent(behind, &laidOut);
    }
}

void Sections::resizeEvent(QResizeEvent* event) {
    QScrollArea::resizeEvent(event);
    fit();
}

bool Sections::eventFilter(QObject* watched, QEvent* event) {
    if (watched == page_ && event->type() == QEvent::LayoutRequest) fit(); // a part changed its height
    return QScrollArea::eventFilter(watched, event);
}

} // namespace kurtoscope
