// SPDX-License-Identifier: GPL-3.0-or-later
// Where the window looks first, given what was observed and what is kept.
#include "app/window/first_look.h"

#include <QTest>

using namespace kurtoscope;

namespace {

SiteStats observed(Site site, double maxToMedian, std::vector<float> absmax) {
    SiteStats stats;
    stats.site = site;
    stats.tokens = 64;
    stats.channels = static_cast<int>(absmax.size());
    stats.maxToMedian = maxToMedian;
    stats.absmax = std::move(absmax);
    return stats;
}

std::vector<SiteStats> sites() {
    std::vector<SiteStats> all;
    for (int layer = 0; layer < 6; ++layer) {
        all.push_back(observed({layer, Place::attn_input}, layer == 3 ? 29 : 21, {1, 9, 30, 2}));
        all.push_back(observed({layer, Place::mlp_hidden}, 500, {900, 1, 2, 3}));
        all.push_back(observed({layer, Place::mlp_residual}, 9000, {1, 20000, 1, 1}));
    }
    return all;
}

} // namespace

class TestSessionFirstLook : public QObject {
    Q_OBJECT
private slots:
    void aRunThroughTheLayersOutweighsScatteredMarks() {
        ChannelSets kept;
        for (int layer = 1; layer < 5; ++layer)
            kept[{layer, Place::attn_input}] = {1};
        for (int layer = 0; layer < 6; ++layer)
            kept[{layer, Place::mlp_hidden}] = {layer, layer + 6};
        const auto look = firstLook(sites(), kept);
        QVERIFY(look);
        QCOMPARE(look->site, (Site{3, Place::attn_input})); // the largest ratio of those
        QCOMPARE(look->channel, 1);                         // kept, though channel 2 is larger
    }

    void equallyLongRunsAreToldApartByTheirNumber() {
        const ChannelSets kept{{{1, Place::attn_input}, {1}}, {{4, Place::mlp_hidden}, {0, 3}}};
        QCOMPARE(firstLook(sites(), kept)->site, (Site{4, Place::mlp_hidden}));
    }

    void theLargestKeptChannelIsChosen() {
        const ChannelSets kept{{{2, Place::attn_input}, {0, 1, 2, 77}}};
        QCOMPARE(firstLook(sites(), kept)->channel, 2);
        QCOMPARE(firstLook(sites(), kept)->site, (Site{2, Place::attn_input}));
    }

    void withoutKeptChannelsTheWorstLinearInput() {
        const auto look = firstLook(sites(), {});
        QCOMPARE(look->site, (Site{0, Place::mlp_hidden}));
        QCOMPARE(look->channel, 0);
    }

    void keptWhereNothingWasObserved() {
        const ChannelSets kept{{{40, Place::attn_context}, {3}}};
        QCOMPARE(firstLook(sites(), kept)->site, sites().front().site);
        QVERIFY(!firstLook({}, kept));
    }
};

QTEST_APPLESS_MAIN(TestSessionFirstLook)
#include "test_session_first_look.moc"
