// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/workspace.h"

#include <QObject>
#include <QTimer>

#include <vector>

namespace kurtoscope {

class View;

// Draws the views that fell behind one at a time, each in an event of its own, with input and painting in
// between: no event takes as long as all views together, and changes that come faster than views are drawn
// are drawn once. A view is drawn before its turn when a person points at it or types into it. The window's;
// GUI thread.
class ViewTurns : public QObject {
    Q_OBJECT
public:
    explicit ViewTurns(QObject* parent = nullptr);
    ~ViewTurns() override;

    void add(View* view);                                // in the order of their turns; it outlives this
    void show(const Workspace& workspace, Changes what); // soon
    bool isDone() const;                                 // what is in sight shows what is

protected:
    bool eventFilter(QObject* watched, QEvent* event) override; // of the application, while views are behind

private:
    void takeTurn();
    void wait(bool waiting);

    std::vector<View*> views_;
    std::size_t next_ = 0;
    QTimer soon_;
    bool waiting_ = false;
};

} // namespace kurtoscope
