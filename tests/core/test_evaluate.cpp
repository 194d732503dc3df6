// SPDX-License-Identifier: GPL-3.0-or-later
// Evaluation through the facade: scores as made by hand from predictions, readings that are paired and
// progressive, one seeded order, calibration on what is not evaluated.
#include "core/evaluation/metrics.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/model_copy.h"

#include <QtTest>

using namespace kurtoscope;
using kurtoscope::test::ModelCopy;

namespace {

const std::string tinyLlama = KURTOSCOPE_TESTS_DIR "/golden/tiny-llama";
const std::string text =
    "The outlier channel of this layer grows, and the grid must stretch. Most values are small; a few "
    "are not, so they decide the range of all the others. A short one.";
const std::vector<std::string> sentences{"the grid must stretch",
                                         "a short one, so they decide",
                                         "most values are small",
                                         "the range of all the others",
                                         "layer",
                                         "this channel grows; a few are not"};

Workbench cpu(const char* model, std::uint64_t seed = 1) {
    Workbench workbench({DeviceKind::cpu, 1, seed});
    workbench.open(std::string(KURTOSCOPE_TESTS_DIR "/golden/") + model);
    return workbench;
}

std::vector<Recipe> recipes(const std::vector<const char*>& texts) {
    std::vector<Recipe> all;
    for (const char* one : texts)
        all.push_back(Recipe::parse(one));
    return all;
}

std::vector<Reading> evaluated(Workbench& workbench, const DataRequest& data,
                               const std::vector<const char*>& texts, const OnReading& onReading = {}) {
    return workbench.evaluate({data, recipes(texts), false}, {}, onReading);
}

DataRequest windowsOf(const std::string& path, int windows, int length, int calibration = 2) {
    DataRequest data;
    data.path = path;
    data.windows = windows, data.length = length, data.calibrationWindows = calibration;
    return data;
}

// Summed −log p of each next token, from logits.
double surprise(const std::vector<float>& logits, const std::vector<int>& ids) {
    const std::size_t width = logits.size() / ids.size();
    double total = 0;
    for (std::size_t row = 0; row + 1 < ids.size(); ++row) {
        double sum = 0;
        for (std::size_t c = 0; c < width; ++c)
            sum += std::exp(double(logits[row * width + c]));
        total += std::log(sum) - double(logits[row * width + std::size_t(ids[row + 1])]);
    }
    return total;
}

std::vector<double> meanOf(const std::vector<float>& hidden, std::size_t width) {
    std::vector<double> mean(width);
    for (std::size_t i = 0; i < hidden.size(); ++i)
        mean[i % width] += double(hidden[i]) / double(hidden.size() / width);
    return mean;
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return ab / std::sqrt(aa * bb);
}

} // namespace

class EvaluateTest : public QObject {
    Q_OBJECT

private slots:
    void perplexityIsThatOfThePredictions() {
        const ModelCopy place("tiny-llama");
        Workbench workbench = cpu("tiny-llama");
        const DataRequest data =
            windowsOf(place.write("some.txt", QByteArray::fromStdString(text)), 3, 10, 1);
        const std::vector<int> ids = workbench.predict(text, {}, {}).prediction.ids;
        QVERIFY(ids.size() >= 40);
        for (const char* recipe : {"fp32", "w8a8:dynamic=on,activation_bits=4"}) {
            double total = 0;
            for (int window = 0; window < 3; ++window) {
                const std::vector<int> part(ids.begin() + 10 * window, ids.begin() + 10 * window + 10);
                total += surprise(workbench.predict("", part, Recipe::parse(recipe)).logits, part);
            }
            const Reading reading = evaluated(workbench, data, {recipe}).front();
            QCOMPARE(reading.metric, std::string("perplexity"));
            QVERIFY(reading.lowerIsBetter && reading.complete() && reading.windowsTotal == 3);
            QVERIFY(std::abs(reading.score / std::exp(total / 27) - 1) < 1e-5);
            QCOMPARE(*reading.perplexity, reading.score);
            QVERIFY(reading.standardError > 0);
        }
    }

    void fidelityIsTheDivergenceOfThePredictions() {
        Workbench workbench = cpu("tiny-bert-classifier");
        const ModelCopy place("tiny-bert-classifier");
        QByteArray rows;
        for (std::size_t i = 0; i < sentences.size(); ++i)
            rows += QByteArray::fromStdString(sentences[i]) + "\t" + QByteArray::number(int(i % 3)) + "\n";
        DataRequest data;
        data.path = place.write("rows.tsv", rows);
        const Recipe recipe = Recipe::parse("w8a8:dynamic=on,activation_bits=4");
        std::vector<double> divergences;
        double right = 0, agreed = 0;
        for (std::size_t i = 0; i < sentences.size(); ++i) {
            const auto plain = workbench.predict(sentences[i], {}, {}),
                       changed = workbench.predict(sentences[i], {}, recipe);
            std::map<int, double> p, q;
            for (const auto& one : plain.prediction.top)
                p[one.id] = one.probability;
            for (const auto& one : changed.prediction.top)
                q[one.id] = one.probability;
            double divergence = 0;
            for (const auto& [id, probability] : p)
                divergence += probability * std::log(probability / q.at(id));
            divergences.push_back(divergence);
            right += changed.prediction.top.front().id == int(i % 3);
            agreed += changed.prediction.top.front().id == plain.prediction.top.front().id;
        }
        const Reading reading = workbench.evaluate({data, {recipe}, false}).front();
        QCOMPARE(reading.metric, std::string("accuracy"));
        QCOMPARE(reading.score, right / 6);
        QCOMPARE(*reading.top1Agreement, agreed / 6);
        double mean = 0;
        for (double one : divergences)
            mean += one / 6;
        QVERIFY(mean > 1e-4);
        QVERIFY(std::abs(*reading.klMean - mean) < 1e-5 * (1 + mean));
        QVERIFY(std::abs(*reading.klMedian - quantile(divergences, 0.5)) < 1e-5);
        QVERIFY(*reading.klP99 >= *reading.klMedian);
    }

    void similarityIsTheRankOfTheCosines() {
        Workbench workbench = cpu("tiny-bert");
        const ModelCopy place("tiny-bert");
        QByteArray rows;
        std::vector<double> scores, cosines;
        for (std::size_t i = 0; i < sentences.size(); ++i) {
            const std::string &a = sentences[i], &b = sentences[(i * 2 + 1) % sentences.size()];
            scores.push_back(double((i * 7 + 2) % 5));
            rows += QByteArray::fromStdString(a + "\t" + b) + "\t" + QByteArray::number(scores.back()) + "\n";
            cosines.push_back(cosine(meanOf(workbench.predict(a, {}, {}).hidden, 32),
                                     meanOf(workbench.predict(b, {}, {}).hidden, 32)));
        }
        DataRequest data;
        data.path = place.write("pairs.tsv", rows);
        const Reading reading = evaluated(workbench, data, {"fp32"}).front();
        QCOMPARE(reading.metric, std::string("spearman"));
        QVERIFY(std::abs(reading.score - spearman(cosines, scores)) < 1e-9);
        QVERIFY(std::abs(*reading.pearson - pearson(cosines, scores)) < 1e-5);
    }

    void readingsArePairedAndProgressive() {
        Workbench workbench = cpu("tiny-llama");
        const DataRequest data = windowsOf(tinyLlama + "/text.txt", 8, 16);
        std::map<int, std::vector<Reading>> seen;
        const auto last = evaluated(workbench, data, {"fp32", "w8a8", "w8a8:activation=per-token"},
                                    [&](const Reading& reading) { seen[reading.column].push_back(reading); });
        QCOMPARE(last.size(), std::size_t{3});
        for (int column = 0; column < 3; ++column) {
            const auto& mine = seen[column];
            QVERIFY(mine.size() >= 2);
            QCOMPARE(mine.front().windowsDone, 1);
            QCOMPARE(mine.back().windowsDone, 8);
            for (std::size_t i = 0; i < mine.size(); ++i) {
                QVERIFY(i == 0 || mine[i].windowsDone > mine[i - 1].windowsDone);
                QCOMPARE(mine[i].windowsTotal, 8);
                // Against FP32 over the same windows.
                QVERIFY(std::abs(mine[i].difference - (mine[i].score - seen[0][i].score)) <
                        1e-9 * mine[i].score);
            }
            QCOMPARE(last[std::size_t(column)].score, mine.back().score);
        }
        QCOMPARE(last[0].difference, 0.0);
        QVERIFY(std::isinf(*last[0].sqnrDb) && *last[0].klMean == 0 && *last[0].top1Agreement == 1);
        // Pairing takes out what windows differ by themselves.
        QVERIFY(last[2].differenceError < last[2].standardError / 2);
        // FP32 kept from the first call gives the same.
        QCOMPARE(evaluated(workbench, data, {"w8a8"}).front().difference, last[1].difference);
    }

    void oneSeededOrder() {
        const auto first = [](std::uint64_t seed, double& total) {
            Workbench workbench = cpu("tiny-llama", seed);
            std::vector<double> scores;
            total = evaluated(workbench, windowsOf(tinyLlama + "/text.txt", 8, 16), {"fp32"},
                              [&](const Reading& reading) { scores.push_back(reading.score); })
                        .front()
                        .score;
            return scores.front();
        };
        double one = 0, again = 0, total = 0;
        std::set<double> firsts;
        const double start = first(1, one);
        QCOMPARE(first(1, again), start);
        QCOMPARE(again, one);
        for (std::uint64_t seed = 2; seed < 8; ++seed) {
            firsts.insert(first(seed, total));
            QVERIFY(std::abs(total / one - 1) < 1e-9); // the order changes nothing in the end
        }
        QVERIFY(firsts.size() > 1);
    }

    // What is evaluated stays the same, what comes after it changes: only static ranges notice.
    void calibratesOnWhatIsNotEvaluated() {
        const ModelCopy place("tiny-llama");
        Workbench workbench = cpu("tiny-llama");
        const QByteArray same(48, 'a'); // three windows of 16, a token each
        const auto scores = [&](const QByteArray& after, const std::string& other) {
            const std::string name = "t" + std::to_string(qHash(after)) + ".txt";
            DataRequest data =
                windowsOf(place.write(QString::fromStdString(name), same + " x\n" + after), 3, 16);
            data.calibrationPath = other;
            const auto info = workbench.describe(data);
            if (info.windows != 3) throw std::runtime_error("windows");
            const auto readings = evaluated(workbench, data, {"fp32", "w8a8:dynamic=on", "w8a8"});
            return std::vector<double>{readings[0].score, readings[1].score, readings[2].score};
        };
        const auto one = scores(QByteArray::fromStdString(text), ""), two = scores(QByteArray(200, '!'), "");
        QCOMPARE(two[0], one[0]);
        QCOMPARE(two[1], one[1]);
        QVERIFY(two[2] != one[2]);
        const auto given = scores(QByteArray(200, '!'), tinyLlama + "/text.txt");
        QCOMPARE(given[1], one[1]);
        QVERIFY(given[2] != two[2]);
    }

    void saysWhatItHeldOut() {
        Workbench workbench = cpu("tiny-llama");
        const DataInfo all = workbench.describe(windowsOf(tinyLlama + "/text.txt", 1000, 16, 4));
        QCOMPARE(all.windows, all.available - 4);
        QVERIFY(all.note.find("the last 4 of " + std::to_string(all.available)) != std::string::npos);
        QCOMPARE(all.summary, std::to_string(all.windows) + " × 16 tokens");
        QCOMPARE(workbench.describe(windowsOf(tinyLlama + "/text.txt", 2, 16)).note, std::string());
        // One window does both jobs, and it is said.
        const ModelCopy place("tiny-llama");
        const auto one = workbench.describe(windowsOf(place.write("s.txt", "A short one."), 8, 64));
        QCOMPARE(one.windows, 1);
        QVERIFY(one.note.find("one window") != std::string::npos);
        // Longer windows than the model has positions are cut to them.
        QCOMPARE(workbench.describe(windowsOf(tinyLlama + "/text.txt", 1, 4096)).summary,
                 std::string("1 × 128 tokens"));
    }

    void refuses_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("task");
        QTest::addColumn<QByteArray>("rows");
        QTest::addColumn<QString>("word");
        QTest::newRow("perplexity of an encoder") << "tiny-bert"
                                                  << "perplexity" << QByteArray("some text") << "next tokens";
        QTest::newRow("classes of a language model")
            << "tiny-llama"
            << "classification" << QByteArray("some text") << "not a table";
        QTest::newRow("unknown task") << "tiny-llama"
                                      << "poetry" << QByteArray("some text") << "unknown task \"poetry\"";
        QTest::newRow("empty file") << "tiny-llama"
                                    << "" << QByteArray() << "empty";
        QTest::newRow("one token") << "tiny-llama"
                                   << "" << QByteArray("a") << "tokens";
    }
    void refuses() {
        QFETCH(QString, model);
        QFETCH(QString, task);
        QFETCH(QByteArray, rows);
        QFETCH(QString, word);
        const ModelCopy place(model);
        Workbench workbench = cpu(qPrintable(model));
        DataRequest data = windowsOf(place.write("data.txt", rows), 1, 16);
        data.task = task.toStdString();
        const QString sentence =
            QString::fromStdString(test::failure([&] { evaluated(workbench, data, {"fp32"}); }));
        QVERIFY2(sentence.contains(word), qPrintable(sentence));
        data.path = place.path() + "/nowhere.txt";
        QVERIFY(test::failure([&] { evaluated(workbench, data, {"fp32"}); }).find("nowhere.txt") !=
                std::string::npos);
        data.length = 1;
        QVERIFY(test::failure([&] { workbench.describe(data); }).find("too short") != std::string::npos);
    }

    void measuresLatencyAlone() {
        Workbench workbench = cpu("tiny-llama");
        std::vector<std::string> phases;
        const auto readings =
            workbench.evaluate({windowsOf(tinyLlama + "/text.txt", 2, 16), recipes({"fp32", "w8a8"}), true},
                               {}, {}, [&](const Progress& progress) {
                                   if (phases.empty() || phases.back() != progress.phase)
                                       phases.push_back(progress.phase);
                               });
        QCOMPARE(phases, (std::vector<std::string>{"Calibrating", "Evaluating", "Measuring latency"}));
        for (const Reading& reading : readings) {
            QVERIFY(reading.latencyRuns >= 3);
            QVERIFY(*reading.latencyP50Ms > 0 && *reading.latencyP99Ms >= *reading.latencyP50Ms);
        }
        QVERIFY(
            !evaluated(workbench, windowsOf(tinyLlama + "/text.txt", 2, 16), {"fp32"}).front().latencyP50Ms);
    }
};

QTEST_GUILESS_MAIN(EvaluateTest)
#include "test_evaluate.moc"
