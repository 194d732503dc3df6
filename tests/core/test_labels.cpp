// SPDX-License-Identifier: GPL-3.0-or-later
// A file's labels meet a classifier's by name, or by number, or not at all.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/atomic_file.h"
#include "core/workbench.h"
#include "tests/support/failure.h"

using namespace kurtoscope;

namespace {

const std::string classifier = KURTOSCOPE_TESTS_DIR "/golden/tiny-bert-classifier";
const std::vector<std::string> sentences{"a good day",      "the boats came in", "it rained",
                                         "she counts them", "nothing happened",  "the light is green",
                                         "we went home",    "he said no"};

} // namespace

class LabelsTest : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    Reading score(const std::vector<std::string>& labels, const std::string& task = "") {
        const std::string file = folder_.path().toStdString() + "/rows.tsv";
        std::string text;
        for (std::size_t i = 0; i < sentences.size(); ++i)
            text += labels[i] + "\t" + sentences[i] + "\n";
        writeFileAtomically(file, text);
        Workbench bench({DeviceKind::cpu, 1, 1});
        bench.open(classifier);
        EvaluateRequest request;
        request.data.path = file;
        request.data.task = task;
        request.recipes = {Recipe{}};
        request.latency = false;
        return bench.evaluate(request).front();
    }

private slots:
    // The classes are bad, so-so, good; sorted, "good" would come before "so-so".
    void wordsAreFoundByName() {
        const std::vector<std::string> names{"bad", "so-so", "good"};
        std::vector<double> byNumber, byName;
        for (int shift = 0; shift < 3; ++shift) {
            std::vector<std::string> numbers, words;
            for (std::size_t i = 0; i < sentences.size(); ++i) {
                numbers.push_back(std::to_string((i + std::size_t(shift)) % 3));
                words.push_back(names[(i + std::size_t(shift)) % 3]);
            }
            byNumber.push_back(score(numbers).score);
            byName.push_back(score(words).score);
        }
        QCOMPARE(byName, byNumber);
        QVERIFY(byName[0] != byName[1] || byName[1] != byName[2]); // the order of classes matters here
    }

    void strangersAreRefused() {
        const std::vector<std::string> words{"hot", "cold", "hot", "cold", "hot", "cold", "hot", "cold"};
        const std::string said = test::failure([&] { score(words); });
        QVERIFY2(said.find("so-so") != std::string::npos && said.find("\"cold\"") != std::string::npos,
                 said.c_str());
        QCOMPARE(score(words, "fidelity").metric, std::string("kl")); // needs no labels
    }

    void anIndexBeyondTheClassesIsRefused() {
        const std::vector<std::string> numbers{"0", "1", "2", "3", "0", "1", "2", "3"};
        QVERIFY(test::failure([&] { score(numbers); }).find("none of the model's classes") !=
                std::string::npos);
    }

    // One text has no ranges of its own; a calibration file gives them.
    void staticRecipesPredictWithCalibration() {
        Workbench bench({DeviceKind::cpu, 1, 1});
        bench.open(KURTOSCOPE_TESTS_DIR "/golden/tiny-bert");
        const Recipe recipe = Recipe::parse("w8a8:activation_bits=3");
        QVERIFY(test::failure([&] {
                    bench.predict("", {1, 2, 3}, recipe);
                }).find("--calibration") != std::string::npos);
        DataRequest data;
        data.path = KURTOSCOPE_TESTS_DIR "/golden/tiny-bert/text.txt";
        data.length = 16;
        const auto quantized = bench.predict("", {1, 2, 3}, recipe, 5, &data),
                   plain = bench.predict("", {1, 2, 3}, Recipe{});
        QCOMPARE(quantized.hidden.size(), plain.hidden.size());
        QVERIFY(quantized.hidden != plain.hidden);
    }
};

QTEST_APPLESS_MAIN(LabelsTest)
#include "test_labels.moc"
