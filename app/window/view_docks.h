// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QHash>
#include <QList>
#include <QObject>
#include <QTimer>

class QAction;
class QDockWidget;
class QMainWindow;
class QMenu;

namespace kurtoscope {

class View;
struct ViewFactory;

// Every view as a dock of a window that has no centre: moved, floated, tabbed, closed and reopened. Tells
// each view whether it is in sight. Owned by the window, GUI thread.
class ViewDocks : public QObject {
    Q_OBJECT
public:
    explicit ViewDocks(QMainWindow& window);

    void add(View* view, const ViewFactory& factory); // placed by arrange()
    void arrange();                                   // as at the first start, all open
    void fillMenu(QMenu* menu);                       // an entry for each: opens, brings forward or closes
    void bringForward(const View* view);              // opened and before its tabs
    void step(int by);                                // the focus goes to the next view in sight
    QDockWidget* dockOf(const View* view) const;
    void follow(); // who is in sight, from where the docks stand

signals:
    void sightChanged();

private:
    struct Member {
        View* view = nullptr;
        QDockWidget* dock = nullptr;
        Qt::DockWidgetArea area = Qt::NoDockWidgetArea;
        QAction* entry = nullptr;
    };
    static bool isInSight(const QDockWidget& dock);
    void addToViewMenu(const Member& member);
    void toggle(const Member& member);
    QList<QDockWidget*> at(Qt::DockWidgetArea area) const;
    void nameTabBars();

    QMainWindow& window_;
    QList<Member> members_;
    QTimer follow_;
};

} // namespace kurtoscope
