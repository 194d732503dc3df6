// SPDX-License-Identifier: GPL-3.0-or-later
// A pass like the one before it takes no memory from the system, and what passes leave is given back.
#include "core/base/aligned_bytes.h"
#include "core/engine/pass_memory.h"
#include "core/workbench.h"
#include "tests/support/opened_models.h"

#include <QtTest>

#include <fstream>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

using namespace kurtoscope;

class TestPassMemory : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() {
#if defined(__SANITIZE_ADDRESS__)
        QSKIP("a sanitizer sees every tensor's memory go");
#endif
    }

    void timedPassesTakeNone_data() {
        QTest::addColumn<QStringList>("recipes");
        QTest::newRow("each by itself, FP32") << QStringList{"fp32"};
        QTest::newRow("each by itself, W8A8") << QStringList{"w8a8:activation=per-token"};
        QTest::newRow("in turn") << QStringList{"fp32", "w8a8", "bf16", "peg:groups=4"};
    }

    void timedPassesTakeNone() {
        QFETCH(QStringList, recipes);
        BenchRequest request;
        request.machine = false, request.runs = 6;
        request.batches = {64}, request.lengths = {16};
        for (const QString& recipe : recipes)
            request.recipes.push_back(recipe == "fp32" ? Recipe() : Recipe::parse(recipe.toStdString()));
        PassMemory::giveBack(); // what the row before left
        const std::vector<std::int64_t> taken =
            takenAt("Timing", [&](const OnProgress& tell) { opened_.bench(request, {}, {}, tell); });
        QVERIFY(taken.size() >= 6);
        QVERIFY2(taken[1] > taken[0], "the first passes lie in nothing that is counted");
        // The first round gives back what the recipe before had, so that each peak is its own.
        for (std::size_t pass = 3; pass < taken.size(); ++pass)
            QCOMPARE(taken[pass], taken[2]);
    }

    void observedWindowsTakeNone() {
        if (!QFileInfo::exists(QString::fromStdString(test::miniLm))) QSKIP("MiniLM is not on this machine");
        Workbench& workbench = test::opened(test::miniLm);
        ObserveRequest request;
        request.data = test::textOf(test::miniLm);
        request.data.windows = 5;
        const std::vector<std::int64_t> taken =
            takenAt("Observing", [&](const OnProgress& tell) { workbench.observe(request, {}, tell); });
        QVERIFY(taken.size() >= 3);
        QVERIFY(taken[1] > taken[0]);
        for (std::size_t window = 2; window < taken.size(); ++window)
            QCOMPARE(taken[window], taken[1]);
    }

    // A large request leaves nothing behind once a few smaller ones have run, nor a model that is closed.
    void whatIsNotNeededGoes() {
        const auto idleAfter = [&](Workbench& workbench, int sequences) {
            BenchRequest request;
            request.machine = false, request.runs = 5;
            request.recipes = {Recipe()}, request.batches = {sequences}, request.lengths = {16};
            workbench.bench(request);
            return PassMemory::idleBytes();
        };
        {
            Workbench workbench({DeviceKind::cpu, 0, 1});
            workbench.open(test::golden("tiny-llama"));
            const std::int64_t large = idleAfter(workbench, 256), small = idleAfter(workbench, 64);
            QVERIFY2(small > 0 && small < large / 2, qPrintable(QString("%1 of %2").arg(small).arg(large)));
        }
        QCOMPARE(PassMemory::idleBytes(), std::int64_t{0});
    }

    // What is idle is given up before anybody is told that memory has run out.
    void whoeverRunsOutGetsWhatIsIdle_data() {
        QTest::addColumn<bool>("aligned");
        QTest::newRow("operator new") << false;
        QTest::newRow("AlignedBytes") << true;
    }
    void whoeverRunsOutGetsWhatIsIdle() {
#if defined(__SANITIZE_THREAD__)
        QSKIP("a sanitizer needs address space of its own");
#elif defined(__linux__)
        QFETCH(bool, aligned);
        constexpr std::size_t piece = 1 << 20, most = 4096;
        BenchRequest request;
        request.machine = false, request.runs = 5;
        request.recipes = {Recipe()}, request.batches = {512}, request.lengths = {16};
        opened_.bench(request);
        QVERIFY(PassMemory::idleBytes() > std::int64_t(2 * piece));
        long long pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        rlimit before{};
        QVERIFY(getrlimit(RLIMIT_AS, &before) == 0);
        const rlimit tight{rlim_t(pages * sysconf(_SC_PAGESIZE)) + 8 * piece, before.rlim_max};
        std::vector<std::unique_ptr<char[]>> plain;
        std::vector<AlignedBytes> lines;
        plain.reserve(most), lines.reserve(most);
        bool ranOut = false;
        QVERIFY(setrlimit(RLIMIT_AS, &tight) == 0);
        try {
            for (std::size_t i = 0; i < most && PassMemory::idleBytes() > 0; ++i)
                if (aligned)
                    lines.emplace_back(piece);
                else
                    plain.emplace_back(new char[piece]);
        } catch (const std::bad_alloc&) {
            ranOut = true;
        }
        setrlimit(RLIMIT_AS, &before);
        QVERIFY(!ranOut);
        QCOMPARE(PassMemory::idleBytes(), std::int64_t{0});
#else
        QSKIP("memory is limited on Linux alone");
#endif
    }

    // A size's peak is its own, whatever larger one was timed before it.
    void peaksAreOfTheirOwnSize() {
        BenchRequest request;
        request.machine = false, request.runs = 5;
        request.recipes = {Recipe()}, request.batches = {512, 4}, request.lengths = {16};
        const BenchReport report = opened_.bench(request);
        QCOMPARE(report.results.size(), std::size_t{2});
        const std::int64_t large = report.results[0].peakBytes, small = report.results[1].peakBytes;
        QVERIFY2(large - small > 4 << 20, qPrintable(QString("%1, then %2").arg(large).arg(small)));
    }

private:
    // Blocks taken so far, each time that `work` says it is at `stage`.
    template <class Work>
    static std::vector<std::int64_t> takenAt(const std::string& stage, Work work) {
        std::vector<std::int64_t> taken;
        work([&](const Progress& progress) {
            if (progress.phase.starts_with(stage)) taken.push_back(PassMemory::blocksTaken());
        });
        return taken;
    }

    Workbench& opened_ = test::opened("tiny-llama");
};

QTEST_APPLESS_MAIN(TestPassMemory)
#include "test_pass_memory.moc"
