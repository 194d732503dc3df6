// SPDX-License-Identifier: GPL-3.0-or-later
// Memory that runs out in the middle of a window: run again in halves, once, said, with the same result.
#include "core/base/error.h"
#include "core/workbench.h"
#include "tests/support/opened_models.h"

#include <QtTest>

#include <fstream>
#include <malloc.h>
#include <sys/resource.h>

using namespace kurtoscope;

namespace {

// Lets the program's address space grow by so much and no more, while it lives. What the heap holds in reserve
// would come on top, more of it the more threads met in malloc: one heap, given back first.
class Limit {
public:
    explicit Limit(std::int64_t bytes) {
#if defined(__GLIBC__)
        malloc_trim(0);
#endif
        getrlimit(RLIMIT_AS, &before_);
        std::ifstream statm("/proc/self/statm");
        std::int64_t pages = 0;
        statm >> pages;
        rlimit limit = before_;
        limit.rlim_cur = static_cast<rlim_t>(pages * 4096 + bytes);
        setrlimit(RLIMIT_AS, &limit);
    }
    ~Limit() { setrlimit(RLIMIT_AS, &before_); }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

private:
    rlimit before_{};
};

} // namespace

class TestOutOfMemory : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() {
#if defined(__GLIBC__)
        QVERIFY(mallopt(M_ARENA_MAX, 1) == 1);
#endif
    }

    void aWindowIsRunInHalves() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        QSKIP("a sanitizer's shadow needs all of the address space");
#endif
        if (!QFileInfo::exists(QString::fromStdString(test::miniLm))) QSKIP("MiniLM is not on this machine");
        QTemporaryDir folder;
        DataRequest data;
        data.path = folder.filePath("pairs.tsv").toStdString();
        {
            std::ofstream table(data.path);
            table << "sentence1\tsentence2\tscore\n";
            for (int row = 0; row < 32; ++row) {
                std::string first = "row " + std::to_string(row), second = first;
                for (int word = 0; word < 100; ++word)
                    first += " house", second += word % 3 ? " house" : " river";
                table << first << '\t' << second << '\t' << row % 5 << '\n';
            }
        }
        data.length = 128;
        Workbench workbench({DeviceKind::cpu, 2, 1});
        workbench.open(test::miniLm);
        EvaluateRequest request{data, {Recipe()}, false, false};
        std::vector<std::string> notes;
        request.onNote = [&](const std::string& note) { notes.push_back(note); };
        const Reading expected = workbench.evaluate(request).front();
        QVERIFY(notes.empty());
        // How much a pass takes is the library's business: less and less is allowed until halves are needed. Where a
        // step leaves too little for halves as well, smaller ones are taken from the last that was enough.
        for (int megabytes = 260, step = 15; megabytes > 20; megabytes -= step) {
            Workbench small({DeviceKind::cpu, 2, 1}); // which has FP32's answers still to make
            small.open(test::miniLm);
            small.describe(data, false);
            std::optional<Reading> reading;
            try {
                const Limit limit(std::int64_t{megabytes} << 20);
                reading = small.evaluate(request).front();
            } catch (const std::exception& failure) {
                QVERIFY2(QString::fromStdString(Workbench::explain(failure).message()).contains("memory"),
                         failure.what());
            }
            if (notes.empty()) {
                QVERIFY2(reading, "it failed without having tried halves");
                continue;
            }
            QCOMPARE(notes.size(), std::size_t{1});
            QVERIFY2(notes.front().find("halves of 32 sequences") != std::string::npos,
                     notes.front().c_str());
            if (!reading && step > 2) {
                megabytes += step, step = 2;
                notes.clear();
                continue;
            }
            QVERIFY2(reading, qPrintable(QString("%1 MB were too little for halves too").arg(megabytes)));
            QCOMPARE(reading->windowsDone, expected.windowsDone);
            QVERIFY(reading->score == expected.score);
            QVERIFY(small.evaluate(request).front().score == expected.score); // memory is there again
            return;
        }
        QFAIL("no limit was tight enough to run out of memory");
    }
};

QTEST_APPLESS_MAIN(TestOutOfMemory)
#include "test_out_of_memory.moc"
