// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/view_turns.h"

#include "widgets/parts/heading.h"
#include "widgets/view.h"

#include <QApplication>
#include <QEvent>

#include <algorithm>
#include <chrono>

namespace kurtoscope {
namespace {

// What a view may answer with what it has drawn.
bool asks(QEvent::Type type) {
    switch (type) {
    case QEvent::MouseButtonPress:
    case QEvent::MouseButtonRelease:
    case QEvent::MouseButtonDblClick:
    case QEvent::MouseMove:
    case QEvent::Wheel:
    case QEvent::KeyPress:
    case QEvent::ContextMenu:
    case QEvent::ToolTip:
    case QEvent::DragEnter:
    case QEvent::DragMove:
    case QEvent::Drop:
        return true;
    default:
        return false;
    }
}

// A dock's title bar holds its view's heading.
bool belongsTo(const QWidget* widget, const View* view) {
    return view == widget || view->isAncestorOf(widget) || view->heading()->isAncestorOf(widget);
}

} // namespace

ViewTurns::ViewTurns(QObject* parent) : QObject(parent) {
    soon_.setSingleShot(true);
    soon_.setInterval(std::chrono::milliseconds(0)); // after what is posted already, painting included
    connect(&soon_, &QTimer::timeout, this, &ViewTurns::takeTurn);
}

ViewTurns::~ViewTurns() {
    wait(false);
}

void ViewTurns::add(View* view) {
    views_.push_back(view);
}

void ViewTurns::show(const Workspace& workspace, Changes what) {
    for (View* view : views_)
        view->note(workspace, what);
    wait(!isDone());
}

bool ViewTurns::isDone() const {
    return std::ranges::none_of(views_, &View::isBehind);
}

// Round and round: a view that changes all the time does not keep the others from theirs.
void ViewTurns::takeTurn() {
    for (std::size_t tried = 0; tried < views_.size(); ++tried) {
        View* view = views_[next_];
        next_ = (next_ + 1) % views_.size();
        if (!view->isBehind()) continue;
        view->drawNow();
        break;
    }
    wait(!isDone());
}

void ViewTurns::wait(bool waiting) {
    if (std::exchange(waiting_, waiting) != waiting) {
        if (waiting)
            qApp->installEventFilter(this);
        else
            qApp->removeEventFilter(this);
    }
    waiting ? soon_.start() : soon_.stop();
}

bool ViewTurns::eventFilter(QObject* watched, QEvent* event) {
    if (!asks(event->type()) || !watched->isWidgetType()) return false;
    for (View* view : views_)
        if (view->isBehind() && belongsTo(static_cast<QWidget*>(watched), view)) view->drawNow();
    return false;
}

} // namespace kurtoscope
