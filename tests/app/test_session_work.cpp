// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/work.h"

#include <QTest>

using namespace kurtoscope;

namespace {

using Kind = Work::Kind;

Recipe quantized(const std::string& keep = {}) {
    Recipe recipe;
    recipe.scheme = "w8a8";
    recipe.keep = keep;
    return recipe;
}

Recipe keeping(int channel) {
    Recipe recipe = quantized();
    recipe.setKept({1, Place::attn_input}, channel, true);
    return recipe;
}

Choice threeColumns() {
    return {{{0, "FP32", {}}, {1, "A", quantized()}, {2, "B", keeping(7)}}, 2};
}

std::shared_ptr<Observation> observation(int done, int total) {
    auto seen = std::make_shared<Observation>();
    seen->windows = done;
    seen->windowsTotal = total;
    return seen;
}

Reading completeReading() {
    Reading reading;
    reading.windowsDone = reading.windowsTotal = 8;
    return reading;
}

// Everything that threeColumns() asks for at layers.1.attn_input.
Known allKnown() {
    Known known;
    known.baseline = observation(8, 8);
    for (const auto& column : threeColumns().columns) {
        known.add(column.recipe, completeReading());
        known.add(column.recipe, observation(8, 8));
    }
    known.sample = Work{Kind::sample, {}, {1, Place::attn_input}, {}};
    known.grid = Work{Kind::grid, keeping(7), {1, Place::attn_input}, {}};
    return known;
}

const Looking here{{1, Place::attn_input}, true, {}};

QString kinds(const std::vector<Work>& missing) {
    const char* names[] = {"open", "describe", "baseline", "type",   "sample",
                           "grid", "resolve",  "evaluate", "observe"};
    QStringList list;
    for (const auto& work : missing)
        list << names[static_cast<int>(work.kind)];
    return list.join(' ');
}

} // namespace

class TestSessionWork : public QObject {
    Q_OBJECT
private slots:
    void beginsWithTheBaselineAndTheActiveColumn() {
        const auto missing = missingWork(threeColumns(), {}, {});
        QCOMPARE(kinds(missing), "baseline evaluate evaluate evaluate observe observe observe");
        QVERIFY(missing[1].recipe == Recipe{});
        QVERIFY2(missing[2].recipe == keeping(7), "the active column comes right after the baseline");
        QVERIFY(missing[3].recipe == quantized());
    }

    void asksForNothingWhenAllIsKnown() {
        QCOMPARE(kinds(missingWork(threeColumns(), here, allKnown())), "");
    }

    void aPartialBaselineIsNotEnough() {
        Known known = allKnown();
        known.baseline = observation(3, 8);
        QCOMPARE(kinds(missingWork(threeColumns(), here, known)), "baseline");
    }

    void aToggleAsksForThatColumnOnly() {
        Choice choice = threeColumns();
        choice.columns[2].recipe = keeping(8);
        const auto missing = missingWork(choice, here, allKnown());
        QCOMPARE(kinds(missing), "grid evaluate observe");
        QVERIFY(missing[1].recipe == keeping(8));
    }

    void aCriterionIsResolvedBeforeItsColumnIsRun() {
        Choice choice = threeColumns();
        choice.columns[2].recipe = quantized("auto");
        QCOMPARE(kinds(missingWork(choice, here, allKnown())), "resolve grid");
    }

    void equalRecipesAreRunOnce() {
        Choice choice = threeColumns();
        choice.columns.push_back({3, "A copy", quantized()});
        Known known = allKnown();
        known.readings.clear();
        QCOMPARE(kinds(missingWork(choice, here, known)), "evaluate evaluate evaluate");
    }

    void lookingElsewhereAsksForItsValues() {
        Looking there = here;
        there.site.layer = 2;
        QCOMPARE(kinds(missingWork(threeColumns(), there, allKnown())), "sample grid");
        there.text = "A text";
        QCOMPARE(kinds(missingWork(threeColumns(), there, allKnown())), "type sample grid");
    }

    void aLookDoesNotCostAnObservation() {
        const Work sample{Kind::sample, {}, {}, {}}, baseline{Kind::baseline, {}, {}, {}};
        const Work evaluate{Kind::evaluate, {}, {}, {}}, open{Kind::open, {}, {}, "x"};
        QVERIFY(!sample.preempts(baseline));
        QVERIFY(sample.preempts(evaluate));
        QVERIFY(evaluate.preempts(Work{Kind::observe, {}, {}, {}}));
        QVERIFY(open.preempts(baseline));
    }

    // Else the data would be read as they were asked for first, and the newer request forgotten.
    void everyPartOfADataRequestIsAnotherWork() {
        const DataRequest first{"a.txt", "perplexity", 8, 256, 4, {}};
        QCOMPARE(describing(first).kind, Kind::describe);
        QVERIFY(describing(first) == describing(DataRequest(first)));
        std::vector<DataRequest> others(6, first);
        others[0].path = "b.txt";
        others[1].task = "masked";
        others[2].windows = 16;
        others[3].length = 128;
        others[4].calibrationWindows = 2;
        others[5].calibrationPath = "c.txt";
        for (const auto& other : others)
            QVERIFY(describing(other) != describing(first));
    }

    void observationsOfRecipesNoLongerShownAreLetGo() {
        Known known = allKnown();
        Choice choice = threeColumns();
        choice.columns.pop_back();
        known.keepOnly(choice);
        QVERIFY(!known.observation(keeping(7)));
        QVERIFY(known.observation(quantized()));
        QVERIFY2(known.reading(keeping(7)), "readings are small and answer an undo");
    }
};

QTEST_GUILESS_MAIN(TestSessionWork)
#include "test_session_work.moc"
