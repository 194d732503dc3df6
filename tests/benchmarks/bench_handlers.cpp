// SPDX-License-Identifier: GPL-3.0-or-later
// How long the window does not answer: each event that its thread is handed, while a person opens a model,
// clicks, selects, undoes, brings views forward. MODEL "wide" is a made-up one of 80 layers × 8192 channels,
// with eight columns beside one another. Usage: bench_handlers MODEL|wide [ROUNDS]
#include "app/window/first_files.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "handler_clock.h"
#include "wide_model.h"
#include "widgets/parts/heading.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QAction>
#include <QEventLoop>
#include <QTemporaryDir>
#include <QTest>

#include <cstdio>
#include <functional>
#include <string_view>

using namespace kurtoscope;

namespace {

constexpr double frameMs = 16;

class Bench {
public:
    Bench(ClockedApplication& app, Session& session, MainWindow& window)
        : app_(app), session_(session), window_(window) {}

    void rounds(const char* what, int rounds, const std::function<void(int)>& act) {
        std::vector<ClockedApplication::Held> all;
        std::vector<double> longest, until;
        for (int i = 0; i < rounds; ++i) {
            QElapsedTimer clock;
            clock.start();
            app_.start();
            act(i);
            std::size_t before = 0;
            do {
                before = app_.noted();
                QCoreApplication::processEvents();
            } while (before != app_.noted());
            until.push_back(static_cast<double>(clock.nsecsElapsed()) / 1e6);
            longest.push_back(take(all));
            session_.stop(); // the engine is idle again before the next
            for (int turn = 0; turn < 20; ++turn)
                QCoreApplication::processEvents();
        }
        std::printf("%-46s longest p50 %6.1f, p99 %6.1f, max %6.1f ms; all done p50 %6.1f, p99 %6.1f ms\n",
                    what, share(longest, 0.5), share(longest, 0.99), share(longest, 1), share(until, 0.5),
                    share(until, 0.99));
        worst(all);
    }
    // What a menu or a view would do: in an event of its own, so that its time is noted.
    void asEvent(const std::function<void()>& act) {
        QMetaObject::invokeMethod(&window_, act, Qt::QueuedConnection);
    }
    // Everything that comes in until the session has settled.
    void untilSettled(const char* what) {
        QEventLoop loop;
        QObject::connect(&session_, &Session::settled, &loop, &QEventLoop::quit);
        QObject::connect(&session_, &Session::openFailed, &loop, &QEventLoop::quit);
        QElapsedTimer clock;
        clock.start();
        app_.start();
        loop.exec();
        std::vector<ClockedApplication::Held> all;
        take(all);
        std::vector<double> ms;
        for (const auto& held : all)
            ms.push_back(held.ms);
        std::printf("%-46s %zu events in %.1f s: p99 %.1f, max %.1f ms\n", what, ms.size(),
                    static_cast<double>(clock.elapsed()) / 1e3, share(ms, 0.99), share(ms, 1));
        worst(all);
    }

private:
    double take(std::vector<ClockedApplication::Held>& all) {
        double most = 0;
        for (auto& held : app_.stop()) {
            most = std::max(most, held.ms);
            all.push_back(std::move(held));
        }
        return most;
    }
    static void worst(std::vector<ClockedApplication::Held>& all) {
        std::ranges::sort(all, std::greater<>(), &ClockedApplication::Held::ms);
        const auto over = std::ranges::count_if(all, [](const auto& held) { return held.ms > frameMs; });
        for (std::size_t i = 0; i < std::min<std::size_t>(over > 0 ? 6 : 1, all.size()); ++i)
            std::printf("    %6.1f ms (own %.1f)  %s\n", all[i].ms, all[i].ownMs, qPrintable(all[i].by));
        if (over > 0) std::printf("    %td of %zu events over %.0f ms\n", over, all.size(), frameMs);
        std::fflush(stdout);
    }

    ClockedApplication& app_;
    Session& session_;
    MainWindow& window_;
};

void use(Bench& bench, Session& session, MainWindow& window, int rounds) {
    const Workspace& workspace = session.workspace();
    View* view = window.view("channel-map");
    auto& map = *view->findChild<HeatMapPlot*>();
    const int layers = workspace.model->layers;
    window.bringForward("channel-map");
    QTest::qWait(50);
    bench.rounds("click on the map: a channel kept", rounds, [&](int i) {
        QTest::mouseClick(map.canvas(), Qt::LeftButton, {},
                          map.pixelOf(i % layers, (i * 61) % map.map().columns).toPoint());
    });
    bench.rounds("undo", rounds,
                 [&](int) { bench.asEvent([&] { window.findChild<QAction*>("undo")->trigger(); }); });
    bench.rounds("redo", rounds,
                 [&](int) { bench.asEvent([&] { window.findChild<QAction*>("redo")->trigger(); }); });
    bench.rounds("an arrow key on the map: the next channel", rounds,
                 [&](int) { QTest::keyClick(&map, Qt::Key_Right); });
    bench.rounds("an arrow key on the map: the next layer", rounds,
                 [&](int i) { QTest::keyClick(&map, i % layers < layers / 2 ? Qt::Key_Down : Qt::Key_Up); });
    bench.rounds("another Place", rounds, [&](int i) {
        const Site site{workspace.site.layer, i % 2 ? Place::attn_input : Place::mlp_residual};
        bench.asEvent([&, site] { emit window.view("model-map")->siteSelected(site); });
    });
    bench.rounds("another column becomes active", rounds, [&](int i) {
        const int column = 1 + i % (static_cast<int>(workspace.columns.size()) - 1);
        bench.asEvent([&, column] { emit window.view("compare")->columnActivated(column); });
    });
    bench.rounds("a column duplicated, and removed", rounds, [&](int i) {
        bench.asEvent(
            [&, i] { i % 2 ? session.removeColumn(workspace.active) : session.duplicateColumn(1); });
    });
    bench.rounds("the next view brought forward", static_cast<int>(window.views().size()), [&](int i) {
        bench.asEvent([&, i] {
            window.bringForward(qPrintable(window.views()[static_cast<std::size_t>(i)]->objectName()));
        });
    });
    window.bringForward("channel-map");
    QTest::qWait(50);
    QTest::mouseClick(map.canvas(), Qt::LeftButton, {}, map.pixelOf(layers / 2, 100).toPoint());
    bench.untilSettled("measuring after a click, all of it");
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: %s MODEL|wide [ROUNDS]\n", argv[0]), 2;
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    ClockedApplication app(argc, argv);
    const bool wide = std::string_view(argv[1]) == "wide";
    const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 100;
    const QTemporaryDir folder;
    QString path = QString::fromLocal8Bit(argv[1]);
    if (wide) {
        path = folder.filePath("wide");
        if (!writeWideModel(path)) return std::fprintf(stderr, "the model cannot be written\n"), 1;
    }
    std::vector<std::string> recipes{"w8a8:dynamic=on", "w8a8:dynamic=on,keep=auto",
                                     "w8a8:dynamic=on,keep=ratio:40"};
    for (const char* more :
         {"w8a8", "w8a8:keep=auto", "w8a8:dynamic=on,activation=per-token", "w8a8:activation_bits=6"})
        if (wide) recipes.emplace_back(more);
    Session session({}, choiceOf(recipes));
    MainWindow window(session, folder.filePath("window.ini"), "light");
    window.show();
    DataRequest data;
    data.path = textFor(QStringLiteral(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama")).toStdString();
    data.windows = data.calibrationWindows = 2;
    data.length = 128;
    session.setDefaultData(data);
    window.setDataChosen(true);
    QTest::qWait(100);
    Bench bench(app, session, window);
    window.openModel(path);
    bench.untilSettled("opening and measuring");
    if (!session.workspace().model) return std::fprintf(stderr, "%s could not be opened\n", argv[1]), 1;
    std::printf("%d layers × %d channels, %zu columns, window %d × %d\n", session.workspace().model->layers,
                session.workspace().model->hidden, session.workspace().columns.size(), window.width(),
                window.height());
    use(bench, session, window, rounds);
    return 0;
}
