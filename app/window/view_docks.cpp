// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/view_docks.h"

#include "widgets/parts/heading.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QApplication>
#include <QDockWidget>
#include <QHBoxLayout>
#include <QMainWindow>
#include <QMenu>
#include <QPainter>
#include <QPointer>
#include <QTabBar>
#include <QToolButton>

#include <algorithm>

namespace kurtoscope {
namespace {

// Shares of the window at the first start: the left column, the right one, the row of curves and tables.
constexpr double leftShare = 0.141, rightShare = 0.222, bottomShare = 0.405;

// A view's heading as its dock's title bar, with the margins that it has inside the view.
class TitleBar : public QWidget {
public:
    explicit TitleBar(View* view) {
        auto* row = new QHBoxLayout(this);
        const int gap = Theme::current().spacing;
        row->setContentsMargins(gap + 4, gap, gap + 4, 0);
        row->addWidget(view->heading());
    }

protected:
    void paintEvent(QPaintEvent*) override { QPainter(this).fillRect(rect(), Theme::current().surface); }
};

// Its own outline while it floats, when no frame of the desktop's is around it.
class Dock : public QDockWidget {
public:
    using QDockWidget::QDockWidget;

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(this);
        painter.fillRect(rect(), Theme::current().surface);
        if (!isFloating()) return;
        painter.setPen(Theme::current().faint);
        painter.drawRect(rect().adjusted(0, 0, -1, -1));
    }
};

} // namespace

ViewDocks::ViewDocks(QMainWindow& window) : QObject(&window), window_(window) {
    window.setDockNestingEnabled(true);
    window.setDockOptions(window.dockOptions() | QMainWindow::AllowTabbedDocks |
                          QMainWindow::GroupedDragging);
    window.setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::South);
    window.setDocumentMode(true);
    follow_.setSingleShot(true);
    connect(&follow_, &QTimer::timeout, this, &ViewDocks::follow);
}

void ViewDocks::add(View* view, const ViewFactory& factory) {
    auto* dock = new Dock(factory.title(), &window_);
    dock->setObjectName(QString("dock-") + factory.id());
    dock->setToolTip(factory.summary());
    dock->setTitleBarWidget(new TitleBar(view)); // it names the view already, and can be dragged
    view->setMinimumSize(120, 80); // one that needs much must not widen those behind the same tabs
    dock->setWidget(view);
    members_.append({view, dock, factory.area()});
    addToViewMenu(members_.last());
    connect(dock, &QDockWidget::visibilityChanged, view, &View::setInSight);
    const auto later = [this] { follow_.start(0); }; // once the layout stands
    connect(dock, &QDockWidget::visibilityChanged, this, later);
    connect(dock, &QDockWidget::topLevelChanged, this, later);
    connect(dock, &QDockWidget::dockLocationChanged, this, later);
}

// What a desktop's title bar would offer, behind the heading's dots.
void ViewDocks::addToViewMenu(const Member& member) {
    auto* button = member.view->heading()->findChild<QToolButton*>("viewMenu");
    QMenu* menu = button->menu();
    menu->addSeparator();
    QDockWidget* dock = member.dock;
    QAction* floats = menu->addAction(tr("&Float"));
    floats->setObjectName("floatView");
    floats->setCheckable(true);
    connect(floats, &QAction::triggered, dock, &QDockWidget::setFloating);
    connect(dock, &QDockWidget::topLevelChanged, floats, &QAction::setChecked);
    QAction* closes = menu->addAction(tr("C&lose"));
    closes->setObjectName("closeView");
    connect(closes, &QAction::triggered, dock, &QWidget::close);
}

QList<QDockWidget*> ViewDocks::at(Qt::DockWidgetArea area) const {
    QList<QDockWidget*> docks;
    for (const Member& member : members_)
        if (member.area == area) docks.append(member.dock);
    return docks;
}

void ViewDocks::arrange() {
    const QPointer<QWidget> focus = window_.focusWidget(); // taking docks out would move it
    for (const Member& member : std::as_const(members_)) {
        member.dock->setFloating(false);
        window_.removeDockWidget(member.dock);
    }
    const auto left = at(Qt::LeftDockWidgetArea), right = at(Qt::RightDockWidgetArea),
               bottom = at(Qt::BottomDockWidgetArea), middle = at(Qt::NoDockWidgetArea);
    // All in one area, which fills the window: [left][[middle][right] over the bottom row].
    QDockWidget* last = nullptr;
    const auto place = [&](QDockWidget* dock, QDockWidget* beside, Qt::Orientation orientation) {
        if (beside)
            window_.splitDockWidget(beside, dock, orientation);
        else
            window_.addDockWidget(Qt::TopDockWidgetArea, dock, Qt::Horizontal);
    };
    for (const auto& group : {left, middle})
        if (!group.isEmpty()) place(group.front(), std::exchange(last, group.front()), Qt::Horizontal);
    if (!bottom.isEmpty()) place(bottom.front(), last, Qt::Vertical);
    if (!right.isEmpty()) place(right.front(), last, Qt::Horizontal);
    // Where large type leaves no room for curves beside a table, both stand behind it, and it has the whole
    // row: cut in half, the active column tells nothing.
    const bool narrow = window_.width() < 85 * Theme::current().fontSize && bottom.size() > 2;
    const auto across = narrow ? QList<QDockWidget*>{bottom.front()} : bottom;
    for (qsizetype i = 1; i < across.size(); ++i)
        place(across[i], across[i - 1], Qt::Horizontal);
    for (qsizetype i = 1; narrow && i < bottom.size(); ++i)
        window_.tabifyDockWidget(bottom[i - 1], bottom[i]);
    for (const auto& group : {left, right})
        for (qsizetype i = 1; i < group.size(); ++i)
            place(group[i], group[i - 1], Qt::Vertical);
    for (qsizetype i = 1; i < middle.size(); ++i) // after the splits: a split tab would join the tabs
        window_.tabifyDockWidget(middle[i - 1], middle[i]);
    for (const Member& member : std::as_const(members_))
        member.dock->show();
    if (!middle.isEmpty()) middle.front()->raise();
    if (narrow) bottom[bottom.size() - 2]->raise();

    const auto part = [](int whole, double share) { return static_cast<int>(whole * share); };
    const int width = window_.width(), height = window_.height();
    // Room for the words of both columns, also in large type.
    const int least = 22 * Theme::current().fontSize;
    const int side = std::max(part(width, rightShare), std::min(least, width / 3));
    const int names = left.isEmpty() ? 0 : left.front()->widget()->sizeHint().width();
    const int column = std::max(part(width, leftShare), std::min(names, width / 4));
    const int centre = width - column - side;
    QList<QDockWidget*> row;
    QList<int> widths;
    const auto give = [&](const QList<QDockWidget*>& group, int wide) {
        if (group.isEmpty()) return;
        row.append(group.front());
        widths.append(wide);
    };
    give(left, column);
    give(middle, centre);
    give(right, side);
    window_.resizeDocks(row, widths, Qt::Horizontal);
    if (!bottom.isEmpty() && !middle.isEmpty()) {
        // The last stands under the right column; of the others the first, the curves, needs least.
        QList<int> shares(across.size(), side);
        const double others = static_cast<double>(std::max<qsizetype>(1, across.size() - 2));
        const int title = dynamic_cast<View*>(across.front()->widget())->heading()->titleRoom();
        const int curves = std::max(part(centre, 0.28), title + 2 * (Theme::current().spacing + 4));
        for (qsizetype i = 0; i + 1 < across.size(); ++i)
            shares[i] = across.size() == 2 ? centre : i == 0 ? curves : part(centre - curves, 1 / others);
        if (narrow) shares = {centre + side};
        window_.resizeDocks(across, shares, Qt::Horizontal);
        const int tall = part(height, bottomShare);
        window_.resizeDocks({middle.front(), bottom.front()}, {height - tall, tall}, Qt::Vertical);
    }
    if (focus && focus->isVisible()) focus->setFocus();
    follow_.start(0);
}

void ViewDocks::fillMenu(QMenu* menu) {
    for (Member& member : members_) {
        member.entry = menu->addAction(member.dock->windowTitle());
        member.entry->setObjectName("view-" + member.view->objectName());
        member.entry->setCheckable(true);
        member.entry->setToolTip(member.dock->toolTip());
        connect(member.entry, &QAction::triggered, this, [this, one = member] { toggle(one); });
    }
    connect(menu, &QMenu::aboutToShow, this, &ViewDocks::follow);
}

// An entry of a view that stands behind another brings it forward: closing what cannot be seen surprises.
void ViewDocks::toggle(const Member& member) {
    if (member.dock->isHidden() || !isInSight(*member.dock))
        bringForward(member.view);
    else
        member.dock->close();
    follow();
}

void ViewDocks::bringForward(const View* view) {
    QDockWidget* dock = dockOf(view);
    if (!dock) return;
    dock->show();
    dock->raise();
    follow_.start(0);
}

QDockWidget* ViewDocks::dockOf(const View* view) const {
    for (const Member& member : members_)
        if (member.view == view) return member.dock;
    return nullptr;
}

void ViewDocks::step(int by) {
    QList<View*> seen;
    qsizetype current = -1;
    for (const Member& member : std::as_const(members_)) {
        if (!isInSight(*member.dock)) continue;
        const QWidget* focus = QApplication::focusWidget();
        if (focus && (member.view == focus || member.dock->isAncestorOf(focus))) current = seen.size();
        seen.append(member.view);
    }
    if (seen.isEmpty()) return;
    View* next = seen[(current < 0 ? 0 : current + by + seen.size()) % seen.size()];
    next->activateWindow();
    next->takeFocus();
}

bool ViewDocks::isInSight(const QDockWidget& dock) {
    // A dock behind another tab stays visible to Qt, but is moved out of the window.
    return dock.isVisible() &&
           (dock.isWindow() || (dock.geometry().right() >= 0 && dock.geometry().bottom() >= 0));
}

void ViewDocks::follow() {
    for (const Member& member : std::as_const(members_)) {
        member.view->setInSight(isInSight(*member.dock));
        if (member.entry) member.entry->setChecked(!member.dock->isHidden());
    }
    nameTabBars();
    emit sightChanged();
}

void ViewDocks::nameTabBars() {
    for (QTabBar* bar : window_.findChildren<QTabBar*>(Qt::FindDirectChildrenOnly)) {
        bar->setAccessibleName(tr("Views that stand behind each other"));
        bar->setExpanding(false);
        bar->setDrawBase(false);
        bar->setElideMode(Qt::ElideNone);
        bar->setUsesScrollButtons(true);
        for (int tab = 0; tab < bar->count(); ++tab)
            for (const Member& member : std::as_const(members_))
                if (member.dock->windowTitle() == bar->tabText(tab))
                    bar->setTabToolTip(tab, member.dock->toolTip());
    }
}

} // namespace kurtoscope
