// SPDX-License-Identifier: GPL-3.0-or-later
// From a mouse click on the channel map to the window painted again with the mark: a real model with its
// engine idle at the click, and a made-up one of 80 layers × 8192 channels. Usage: bench_toggle MODEL
// [CLICKS]
#include "app/window/first_files.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "app/window/view_turns.h"
#include "tests/widgets/synthetic_workspace.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

using namespace kurtoscope;

namespace {

struct Cost {
    std::vector<double> markMs, wallMs,
        ownMs; // own: the GUI thread's processor time, without what others took
};

// Notes when the canvas was first painted after everyone had heard of the toggle.
class PaintClock : public QObject {
public:
    PaintClock(View& view, QWidget* canvas) {
        connect(&view, &View::channelsToggled, this, [this] { toggled_ = true; });
        canvas->installEventFilter(this);
        clock.start();
    }
    QElapsedTimer clock;
    double paintedMs = -1;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() != QEvent::Paint || !toggled_ || paintedMs >= 0) return false;
        watched->removeEventFilter(this); // let it paint before the clock is read
        QCoreApplication::sendEvent(watched, event);
        paintedMs = static_cast<double>(clock.nsecsElapsed()) / 1e6;
        return true;
    }

private:
    bool toggled_ = false;
};

double ownTimeMs() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void report(const char* name, Cost cost) {
    const auto at = [](std::vector<double>& ms, double share) {
        std::sort(ms.begin(), ms.end());
        return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
    };
    std::printf(
        "%s: click to mark p50 %.1f ms, p99 %.1f ms; to all painted %.1f and %.1f ms, of the GUI thread's "
        "own time %.1f and %.1f ms (%zu clicks)\n",
        name, at(cost.markMs, 0.5), at(cost.markMs, 0.99), at(cost.wallMs, 0.5), at(cost.wallMs, 0.99),
        at(cost.ownMs, 0.5), at(cost.ownMs, 0.99), cost.wallMs.size());
}

// One click, and everything that the event loop has to do for it, painting what changed included.
void click(View& view, HeatMapPlot& map, int row, int column, Cost& cost, const ViewTurns* others = nullptr) {
    PaintClock painted(view, map.canvas());
    const double before = ownTimeMs();
    QTest::mouseClick(map.canvas(), Qt::LeftButton, {}, map.pixelOf(row, column).toPoint());
    while (others && !others->isDone())
        QApplication::processEvents();
    QApplication::sendPostedEvents(); // queued replots, then the window's update request
    cost.ownMs.push_back(ownTimeMs() - before);
    cost.wallMs.push_back(static_cast<double>(painted.clock.nsecsElapsed()) / 1e6);
    if (painted.paintedMs < 0) std::fprintf(stderr, "a click was not painted\n");
    cost.markMs.push_back(painted.paintedMs);
}

void realModel(const char* path, int clicks) {
    const QTemporaryDir unremembered;
    Session session({});
    MainWindow window(session, unremembered.filePath("window.ini"), "light");
    window.show();
    DataRequest data;
    data.path = textFor(path).toStdString();
    data.windows = 8;
    session.setDefaultData(data);
    window.setDataChosen(true);
    QEventLoop loop;
    QObject::connect(&session, &Session::settled, &loop, [&] {
        if (session.workspace().model) loop.quit();
    });
    QObject::connect(&session, &Session::openFailed, &loop, &QEventLoop::quit);
    window.openModel(QString::fromLocal8Bit(path));
    loop.exec();
    const Workspace& workspace = session.workspace();
    if (!workspace.model) return void(std::fprintf(stderr, "%s could not be opened\n", path));
    View* view = window.view("channel-map");
    auto& map = *view->findChild<HeatMapPlot*>();
    window.grab();
    Cost cost;
    for (int i = 0; i < clicks; ++i) {
        const int row = i % workspace.model->layers, column = (i * 61) % map.map().columns;
        click(*view, map, row, column, cost, window.findChild<ViewTurns*>());
        session.stop(); // the engine is idle again before the next
        QApplication::processEvents();
    }
    report(workspace.model->name.c_str(), std::move(cost));
}

void madeUpModel(int clicks) {
    Workspace workspace = testing::filled({80, 8192, 3, 64});
    View* view = nullptr;
    for (const auto& factory : Registry<ViewFactory>::instance().members())
        if (std::string_view(factory->id()) == "channel-map") view = factory->make(nullptr);
    if (!view) return;
    const std::unique_ptr<View> owner(view);
    view->resize(1070, 560);
    QWidget* widget = view;
    widget->show();
    QObject::connect(view, &View::channelSelected, [&](Site site, int channel) {
        workspace.site = site;
        workspace.channel = channel;
        view->show(workspace, Change::selection | Change::sample);
    });
    QObject::connect(view, &View::channelsToggled, [&](Site site, const QList<int>& channels) {
        Recipe& recipe = workspace.columns[static_cast<std::size_t>(workspace.active)].recipe;
        for (const int channel : channels)
            recipe.setKept(site, channel, !recipe.keeps(site, channel));
        view->show(workspace, Change::columns | Change::kept | Change::reading | Change::observation);
    });
    view->show(workspace, Change::everything);
    if (!QTest::qWaitForWindowExposed(view)) return;
    auto& map = *view->findChild<HeatMapPlot*>();
    Cost cost;
    for (int i = 0; i < clicks; ++i)
        click(*view, map, i % 80, (i * 613 + 40) % 8192, cost);
    report("80 × 8192, the map alone", std::move(cost));
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: %s MODEL [CLICKS]\n", argv[0]), 2;
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const int clicks = argc > 2 ? std::max(1, std::atoi(argv[2])) : 200;
    madeUpModel(clicks);
    realModel(argv[1], clicks);
}
