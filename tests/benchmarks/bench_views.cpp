// SPDX-License-Identifier: GPL-3.0-or-later
// Frame times at the large size: 80 layers × 8192 channels, eight columns, a text of 512 tokens. Each figure
// is the GUI thread's time from the event to the picture painted. Usage: bench_views [FRAMES]
#include "tests/widgets/synthetic_workspace.h"
#include "widgets/parts/clipping_trade.h"
#include "widgets/plot/bar_tile.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QApplication>
#include <QComboBox>
#include <QElapsedTimer>
#include <QTest>
#include <QWheelEvent>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

using namespace kurtoscope;

namespace {

void measure(const char* what, int frames, const std::function<void(int)>& frame) {
    std::vector<double> ms;
    for (int i = -3; i < frames; ++i) { // three to warm up
        QElapsedTimer clock;
        clock.start();
        frame(std::max(0, i));
        QApplication::sendPostedEvents(); // queued replots and update requests: the painting itself
        if (i >= 0) ms.push_back(static_cast<double>(clock.nsecsElapsed()) / 1e6);
    }
    std::ranges::sort(ms);
    const auto at = [&](double share) {
        return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
    };
    std::printf("%-58s p50 %6.2f ms, p99 %6.2f ms (%d frames)\n", what, at(0.5), at(0.99), frames);
}

std::unique_ptr<View> shown(const char* id, const Workspace& workspace, QSize size) {
    std::unique_ptr<View> view(Registry<ViewFactory>::instance().get(id, "view").make(nullptr));
    view->resize(size);
    QWidget& widget = *view;
    widget.show();
    view->show(workspace, Change::everything);
    (void)QTest::qWaitForWindowExposed(&widget);
    view->grab();
    return view;
}

// Every view told of every kind of change, with new pieces where the session would bring new ones: the time
// until it has drawn itself, and until the picture is painted.
void everyChange(Workspace& workspace, int frames) {
    const std::pair<const char*, Changes> changes[] = {
        {"model", Change::model},     {"columns", Change::columns},      {"observation", Change::observation},
        {"reading", Change::reading}, {"selection", Change::selection},  {"sample", Change::sample},
        {"kept", Change::kept},       {"marked", Change::marked},        {"theme", Change::theme},
        {"text", Change::text},       {"errors", Change::errors},        {"sensitivity", Change::sensitivity},
        {"history", Change::history}, {"everything", Change::everything}};
    const Workspace before = workspace;
    // As the session does, whose new results have addresses of their own.
    const auto anew = [](auto& piece) {
        if (piece) piece = std::make_shared<std::remove_cvref_t<decltype(*piece)>>(*piece);
    };
    for (const auto& factory : Registry<ViewFactory>::instance().members()) {
        const auto view = shown(factory->id(), workspace, {900, 560});
        for (const auto& [name, what] : changes) {
            std::vector<double> drawn, painted;
            for (int i = 0; i < frames; ++i) {
                if (what & Change::observation) anew(workspace.columns.front().observation);
                if (what & Change::sample) anew(workspace.sample), anew(workspace.typed);
                if (what & Change::text) anew(workspace.reading), anew(workspace.attention);
                if (what & Change::errors)
                    for (Column& column : workspace.columns)
                        anew(column.errors);
                if (what & Change::sensitivity) anew(workspace.sensitivity);
                if (what & Change::selection) workspace.channel = 100 + i;
                QElapsedTimer clock;
                clock.start();
                view->show(workspace, what);
                drawn.push_back(static_cast<double>(clock.nsecsElapsed()) / 1e6);
                clock.start();
                QApplication::sendPostedEvents();
                painted.push_back(static_cast<double>(clock.nsecsElapsed()) / 1e6);
            }
            std::ranges::sort(drawn);
            std::ranges::sort(painted);
            if (drawn[drawn.size() / 2] > 3 || painted[painted.size() / 2] > 5)
                std::printf(
                    "    %-16s told of %-12s drawn p50 %6.2f max %6.2f ms, painted p50 %6.2f max %6.2f ms\n",
                    factory->id(), name, drawn[drawn.size() / 2], drawn.back(), painted[painted.size() / 2],
                    painted.back());
        }
        workspace = before;
    }
}

void wheel(QWidget& canvas, QPointF at, int turn) {
    QWheelEvent event(at, canvas.mapToGlobal(at), {}, {0, turn}, Qt::NoButton, Qt::NoModifier,
                      Qt::NoScrollPhase, false);
    QApplication::sendEvent(&canvas, &event);
}

} // namespace

int main(int argc, char** argv) {
    if (!qEnvironmentVariableIsSet("DISPLAY") && !qEnvironmentVariableIsSet("WAYLAND_DISPLAY"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    Theme::use(Theme::load("light"), app);
    const int frames = argc > 1 ? std::max(10, std::atoi(argv[1])) : 200;
    Workspace workspace = testing::filled({80, 8192, 8, 512});

    everyChange(workspace, std::max(5, frames / 10));
    const auto map = shown("channel-map", workspace, {1070, 560});
    auto& plot = *map->findChild<HeatMapPlot*>();
    const QPointF middle = plot.pixelOf(40, 4000);
    measure("channel map: repaint as it stands", frames, [&](int) { plot.canvas()->repaint(); });
    measure("channel map: one notch of zoom, pooled anew", frames,
            [&](int i) { wheel(*plot.canvas(), middle, i % 20 < 10 ? 120 : -120); });
    plot.resetZoom();
    measure("channel map: whole map pooled anew (theme change)", frames / 4, [&](int) { plot.applyTheme(); });
    measure("channel map: another Place, 80 × 8192 values read and drawn", frames / 4, [&](int i) {
        workspace.site.place = i % 2 ? Place::attn_input : Place::mlp_residual;
        map->show(workspace, Change::selection);
    });
    workspace.site.place = Place::attn_input;

    const auto table = shown("compare", workspace, {1000, 380});
    measure("compare: a reading comes in, eight columns", frames, [&](int i) {
        workspace.columns[3].reading->score = 32 + 0.001 * i;
        table->show(workspace, Change::reading);
    });

    workspace.typed = testing::sampleOf(workspace.site, 8192, 512, workspace.channel);
    const auto tokens = shown("token-map", workspace, {1070, 560});
    auto& tokenPlot = *tokens->findChild<HeatMapPlot*>();
    measure("token map: one notch of zoom, 512 × 8192", frames, [&](int i) {
        wheel(*tokenPlot.canvas(), tokenPlot.pixelOf(256, 4000), i % 20 < 10 ? 120 : -120);
    });
    measure("token map: 512 × 8192 pooled to 3-D bars", frames / 4,
            [&](int) { (void)PooledTile::of(tokenPlot.map(), BarTile::mostRows, BarTile::mostColumns); });
    tokens->findChild<QComboBox*>()->setCurrentIndex(1);
    auto& bars = *tokens->findChild<BarTile*>();
    tokens->grab();
    measure("token map: 3-D bars turned by a key", frames / 2,
            [&](int) { QTest::keyClick(&bars, Qt::Key_Right); });

    const auto depth = shown("depth-curves", workspace, {560, 380});
    measure("depth curves: the cursor moves, eight recipes × 80 layers", frames / 2, [&](int i) {
        workspace.site.layer = i % 80;
        depth->show(workspace, Change::selection);
    });
    measure("depth curves: drawn anew, eight recipes × 80 layers", frames / 2,
            [&](int) { depth->show(workspace, Change::observation); });

    const auto drawing = shown("model-map", workspace, {236, 900});
    measure("model map: another layer, 80 skylines of 8192 channels", frames / 2, [&](int i) {
        workspace.site.layer = i % 80;
        drawing->show(workspace, Change::selection);
    });
    measure("model map: another Place, pooled anew", frames / 2, [&](int i) {
        workspace.site.place = i % 2 ? Place::attn_input : Place::mlp_residual;
        drawing->show(workspace, Change::selection);
    });
    workspace.site.place = Place::attn_input;

    const auto scatter = shown("trade-off", workspace, {370, 380});
    measure("trade-off: a reading comes in", frames / 2, [&](int i) {
        workspace.columns[3].reading->score = 32 + 0.001 * i;
        scatter->show(workspace, Change::reading);
    });

    workspace.site.layer = 12;
    const ClippingTrade trade(*workspace.typed, 255, {});
    measure("channel: clipping line dragged, 4.2 M values", frames,
            [&](int i) { (void)trade.at(trade.largest() * (1 + i) / (frames + 1)); });
    return 0;
}
