// SPDX-License-Identifier: GPL-3.0-or-later
// One text token by token, its attention and every channel's error, against plain computations from what
// other calls say.
#include <QtTest>

#include "core/workbench.h"
#include "tests/support/failure.h"

#include <cmath>
#include <limits>

using namespace kurtoscope;
using kurtoscope::test::failure;

namespace {

Workbench& opened(const std::string& model) {
    static std::map<std::string, Workbench> all;
    const auto [found, fresh] = all.try_emplace(model, WorkbenchOptions{DeviceKind::cpu, 1, 1});
    if (!fresh) return found->second;
    if (model != "tiny-bert-masked") {
        found->second.open(KURTOSCOPE_TESTS_DIR "/golden/" + model);
        return found->second;
    }
    // It has no words of its own: letters fill its vocabulary of 70.
    QTemporaryDir folder;
    const QDir golden(KURTOSCOPE_TESTS_DIR "/golden/tiny-bert-masked");
    for (const QString& name : golden.entryList(QDir::Files))
        QFile::copy(golden.filePath(name), folder.filePath(name));
    QByteArray words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (const char* before : {"", "##"})
        for (char letter = 'a'; letter <= 'z'; ++letter)
            words += QByteArray(before) + letter + '\n';
    for (int i = 57; i < 70; ++i)
        words += "[unused" + QByteArray::number(i) + "]\n";
    for (const auto& [name, text] : {std::pair<const char*, QByteArray>("vocab.txt", words),
                                     {"tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})"}}) {
        QFile file(folder.filePath(name));
        if (file.open(QIODevice::WriteOnly)) file.write(text);
    }
    found->second.open(folder.path().toStdString());
    return found->second;
}

DataRequest textOf(const std::string& model) {
    DataRequest data;
    data.path =
        KURTOSCOPE_TESTS_DIR "/golden/" + (model == "tiny-bert-masked" ? "tiny-bert" : model) + "/text.txt";
    data.task = "fidelity";
    data.windows = 2, data.length = 16, data.calibrationWindows = 3;
    return data;
}

TextRequest readingOf(const std::string& model, const std::string& recipe) {
    TextRequest request;
    request.data = textOf(model);
    request.text = "few values decide what the whole layer says";
    request.recipe = Recipe::parse(recipe);
    return request;
}

std::vector<double> softmax(const float* logits, std::int64_t count) {
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t i = 0; i < count; ++i)
        most = std::max(most, double(logits[i]));
    std::vector<double> p;
    for (std::int64_t i = 0; i < count; ++i)
        p.push_back(std::exp(double(logits[i]) - most)), sum += p.back();
    for (double& one : p)
        one /= sum;
    return p;
}

double divergence(const std::vector<double>& p, const std::vector<double>& q) {
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i)
        sum += p[i] * (std::log(p[i]) - std::log(q[i]));
    return sum;
}

void near(double got, double expected, double relative, double absolute = 0) {
    QVERIFY2(std::abs(got - expected) <= relative * std::abs(expected) + absolute,
             qPrintable(QString("got %1, expected %2").arg(got, 0, 'g', 9).arg(expected, 0, 'g', 9)));
}

const std::string fourBits = "w8a8:activation_bits=4,dynamic=on";

} // namespace

class TestTextReading : public QObject {
    Q_OBJECT

private slots:
    void divergenceAndAnswersAreThoseOfThePredictions_data() {
        QTest::addColumn<QString>("model");
        QTest::addRow("causal") << "tiny-llama";
        QTest::addRow("masked") << "tiny-bert-masked";
    }
    void divergenceAndAnswersAreThoseOfThePredictions() {
        QFETCH(QString, model);
        Workbench& workbench = opened(model.toStdString());
        const TextRequest request = readingOf(model.toStdString(), fourBits);
        const TextReading reading = workbench.readText(request);
        const auto before = workbench.predict(request.text, {}, {});
        const auto after = workbench.predict(request.text, {}, request.recipe, 5, &request.data);
        const std::int64_t vocabulary = before.logitsShape.back();
        QCOMPARE(reading.measure, std::string("KL (nats)"));
        QCOMPARE(reading.answers == TextReading::Answers::next_token, model == "tiny-llama");
        QCOMPARE(reading.tokens.size(), before.prediction.tokens.size());
        double sum = 0;
        for (std::size_t i = 0; i < reading.tokens.size(); ++i) {
            const TextToken& token = reading.tokens[i];
            QCOMPARE(token.text, before.prediction.tokens[i]);
            const auto p = softmax(&before.logits[i * std::size_t(vocabulary)], vocabulary);
            const auto q = softmax(&after.logits[i * std::size_t(vocabulary)], vocabulary);
            near(token.divergence, divergence(p, q), 1e-4, 1e-9);
            sum += divergence(p, q);
            const auto best = [](const std::vector<double>& of) {
                return int(std::max_element(of.begin(), of.end()) - of.begin());
            };
            bool bestBefore = false, bestAfter = false;
            QVERIFY(token.top.size() >= std::size_t(request.topCount) &&
                    token.top.size() <= std::size_t(2 * request.topCount));
            for (std::size_t k = 0; k < token.top.size(); ++k) {
                const Compared& entry = token.top[k];
                near(entry.before, p[std::size_t(entry.id)], 1e-4, 1e-9);
                near(entry.after, q[std::size_t(entry.id)], 1e-4, 1e-9);
                bestBefore |= entry.id == best(p), bestAfter |= entry.id == best(q);
                if (k > 0)
                    QVERIFY(std::max(token.top[k - 1].before, token.top[k - 1].after) >=
                            std::max(entry.before, entry.after));
            }
            QVERIFY(bestBefore && bestAfter);
        }
        near(reading.divergence, sum / double(reading.tokens.size()), 1e-4);
    }

    void errorBehindEachLayerIsThatOfItsOutput() {
        Workbench& workbench = opened("tiny-llama");
        const TextRequest request = readingOf("tiny-llama", fourBits);
        const TextReading reading = workbench.readText(request);
        QCOMPARE(reading.layers(), workbench.model().layers);
        for (int layer = 0; layer < reading.layers(); ++layer) {
            const Site site{layer, Place::mlp_residual};
            const SiteSample x = workbench.sample(site, request.data, request.text, {}, 99);
            const SiteSample y = workbench.sample(site, request.data, request.text, request.recipe, 99);
            for (int token = 0; token < x.rows(); ++token) {
                double signal = 0, noise = 0;
                for (int c = 0; c < x.channels; ++c) {
                    signal += double(x.at(token, c)) * double(x.at(token, c));
                    noise += std::pow(double(x.at(token, c)) - double(y.at(token, c)), 2);
                }
                near(reading.tokens[std::size_t(token)].sqnrDb[std::size_t(layer)],
                     10 * std::log10(signal / noise), 1e-4);
            }
        }
    }

    // A rotation turns the stream; set beside the turned one, it makes no error by itself.
    void aTurnedStreamIsComparedWithItself() {
        Workbench& workbench = opened("tiny-llama");
        const TextReading turned = workbench.readText(
            readingOf("tiny-llama", "rotation:activation=per-token,activation_bits=8,weight_bits=8"));
        for (const TextToken& token : turned.tokens)
            for (const float sqnr : token.sqnrDb)
                QVERIFY2(sqnr > 15, qPrintable(QString::number(double(sqnr)))); // 0 dB were it set beside x
        QVERIFY(turned.divergence >= 0 && turned.divergence < 0.05);
    }

    void fp32DiffersFromItselfNowhere() {
        const TextReading same = opened("tiny-llama").readText(readingOf("tiny-llama", "fp32"));
        QVERIFY(!same.tokens.empty());
        for (const TextToken& token : same.tokens) {
            QVERIFY(token.divergence < 1e-9);
            for (const float sqnr : token.sqnrDb)
                QVERIFY(std::isinf(sqnr));
            QCOMPARE(errorJump(token.sqnrDb), -1);
        }
    }

    void classifiersAndEmbeddingsAnswerWhole() {
        const TextReading classes =
            opened("tiny-bert-classifier").readText(readingOf("tiny-bert-classifier", fourBits));
        QCOMPARE(classes.answers, TextReading::Answers::classes);
        QCOMPARE(classes.measure, std::string("1 − cosine"));
        double before = 0, after = 0;
        for (const Compared& entry : classes.classes)
            before += entry.before, after += entry.after;
        near(before, 1, 1e-6);
        near(after, 1, 1e-6);
        QVERIFY(classes.divergence >= 0 && classes.tokens.front().top.empty());

        const TextRequest request = readingOf("tiny-bert", fourBits);
        const TextReading embedding = opened("tiny-bert").readText(request);
        QCOMPARE(embedding.answers, TextReading::Answers::embedding);
        QVERIFY(embedding.cosine && *embedding.cosine < 1 && *embedding.cosine > 0.5);
        near(embedding.divergence, 1 - *embedding.cosine, 1e-9);
        const auto x = opened("tiny-bert").predict(request.text, {}, {});
        const auto y = opened("tiny-bert").predict(request.text, {}, request.recipe, 5, &request.data);
        const auto width = std::size_t(x.hiddenShape.back());
        for (std::size_t token = 0; token < embedding.tokens.size(); ++token) {
            double xx = 0, yy = 0, xy = 0;
            for (std::size_t c = token * width; c < (token + 1) * width; ++c)
                xx += double(x.hidden[c]) * double(x.hidden[c]),
                    yy += double(y.hidden[c]) * double(y.hidden[c]),
                    xy += double(x.hidden[c]) * double(y.hidden[c]);
            near(embedding.tokens[token].divergence, 1 - xy / std::sqrt(xx * yy), 1e-4, 1e-7);
        }
    }

    void withoutATextTheFirstWindowIsRead() {
        Workbench& workbench = opened("tiny-llama");
        TextRequest request = readingOf("tiny-llama", fourBits);
        request.text.clear();
        const TextReading whole = workbench.readText(request);
        QCOMPARE(whole.tokens.size(), std::size_t{16});
        QCOMPARE(whole.leftOut, 0);
        const SiteSample first = workbench.sample({-1, Place::embedding}, request.data, "", {}, 16);
        for (std::size_t i = 0; i < 16; ++i)
            QCOMPARE(whole.tokens[i].text, first.tokens[i]);
        request.maxTokens = 5;
        const TextReading cut = workbench.readText(request);
        QCOMPARE(cut.tokens.size(), std::size_t{5});
        QCOMPARE(cut.leftOut, 11);
        near(cut.tokens[4].divergence, whole.tokens[4].divergence, 0.5); // dynamic ranges saw fewer tokens
    }

    void errorJumps_data() {
        QTest::addColumn<QList<float>>("sqnr");
        QTest::addColumn<int>("jump");
        const float exact = std::numeric_limits<float>::infinity();
        QTest::addRow("a clear fall") << QList<float>{40, 38, 37, 22, 21} << 3;
        QTest::addRow("the first of two") << QList<float>{40, 30, 29, 12} << 1;
        QTest::addRow("bad from the start") << QList<float>{4, 3, 3} << 0;
        QTest::addRow("ever so slowly") << QList<float>{30, 28, 23, 22} << 2;
        QTest::addRow("nothing happens") << QList<float>{exact, exact} << -1;
        QTest::addRow("exact, then rounded") << QList<float>{exact, 30, 29} << 2;
        QTest::addRow("exact, then ruined") << QList<float>{exact, 3, 2} << 1;
        QTest::addRow("only ever better") << QList<float>{20, 21, 30} << 0;
        QTest::addRow("no layers") << QList<float>{} << -1;
    }
    void errorJumps() {
        QFETCH(QList<float>, sqnr);
        QFETCH(int, jump);
        QCOMPARE(errorJump({sqnr.begin(), sqnr.end()}), jump);
    }

    void attentionIsTheTappedOne_data() {
        QTest::addColumn<QString>("model");
        QTest::addRow("causal") << "tiny-llama";
        QTest::addRow("both ways") << "tiny-bert";
    }
    void attentionIsTheTappedOne() {
        QFETCH(QString, model);
        Workbench& workbench = opened(model.toStdString());
        AttentionRequest request;
        request.data = textOf(model.toStdString());
        request.text = "few values decide. the layer says, so";
        request.layer = 1;
        const AttentionReading reading = workbench.readAttention(request);
        const int n = reading.length();
        QCOMPARE(reading.heads, workbench.model().heads);
        QCOMPARE(reading.layers, workbench.model().layers);
        QCOMPARE(reading.weights.size(), std::size_t(reading.heads) * std::size_t(n) * std::size_t(n));
        const SiteSample mean = workbench.sample({1, Place::attn_probs}, request.data, request.text, {}, 99);
        QCOMPARE(mean.rows(), n);
        double even = 0;
        std::vector<double> first(std::size_t(reading.heads), 0);
        for (int query = 0; query < n; ++query) {
            for (int key = 0; key < n; ++key) {
                double sum = 0;
                for (int head = 0; head < reading.heads; ++head)
                    sum += double(reading.weight(head, query, key));
                near(mean.at(query, key), sum / reading.heads, 1e-5, 1e-7);
                if (reading.causal && key > query) QCOMPARE(sum, 0.0);
            }
            if (query == 0) continue;
            even += 1.0 / (reading.causal ? query + 1 : n);
            for (int head = 0; head < reading.heads; ++head)
                first[std::size_t(head)] += double(reading.weight(head, query, 0));
        }
        near(reading.evenFirst, even / (n - 1), 1e-9);
        for (int head = 0; head < reading.heads; ++head)
            near(reading.share(reading.toFirst, 1, head), first[std::size_t(head)] / (n - 1), 1e-5);
        QCOMPARE(reading.roles.front(), TokenRole::first);
        if (!reading.causal) {
            QCOMPARE(reading.tokens.back(), std::string("[SEP]"));
            QCOMPARE(reading.roles.back(), TokenRole::separator);
            near(reading.evenSeparators, 1.0 / n, 1e-9);
            double last = 0;
            for (int query = 1; query < n; ++query)
                last += double(reading.weight(0, query, n - 1));
            near(reading.share(reading.toSeparators, 1, 0), last / (n - 1), 1e-5);
        }
        request.maxTokens = 4;
        const AttentionReading cut = workbench.readAttention(request);
        QCOMPARE(cut.length(), 4);
        QCOMPARE(cut.leftOut, n - 4);
        QCOMPARE(cut.weights.size(), std::size_t(reading.heads) * 16);
    }

    void channelErrorsAreThoseOfTheNearestLevels() {
        Workbench& workbench = opened("tiny-llama");
        const DataRequest data = textOf("tiny-llama");
        const Recipe recipe = Recipe::parse("w8a8:activation_bits=4,weight_bits=16,keep=top:1");
        const RoundingErrors errors = workbench.roundingErrors(recipe, data, 2);
        QVERIFY(errors.recipe.keptCount() > 0 && errors.recipe.keep.empty());
        const ErrorReport report = workbench.errors(recipe, data, 2, 1);
        QCOMPARE(errors.sites.size(), report.sites.size());
        const Observation seen = workbench.observe({data, {}});
        for (const SiteError& site : report.sites) {
            QCOMPARE(errors.find(site.site)->sqnrDb, site.sqnrDb);
            const auto& row = errors.noiseToSignal.at(site.site);
            const SiteSample sample = workbench.sample(site.site, data, "", {}, 1000);
            QCOMPARE(row.size(), std::size_t(sample.channels));
            const auto levels = workbench.gridLevels(recipe, *seen.find(site.site), data);
            for (int channel = 0; channel < sample.channels; ++channel) {
                if (errors.recipe.keeps(site.site, channel)) {
                    QCOMPARE(row[std::size_t(channel)], 0.0F);
                    continue;
                }
                double signal = 0, noise = 0;
                for (int token = 0; token < sample.rows(); ++token) {
                    const float x = sample.at(token, channel);
                    float best = levels.front();
                    for (const float level : levels)
                        if (std::abs(level - x) < std::abs(best - x)) best = level;
                    signal += double(x) * double(x);
                    noise += double(best - x) * double(best - x);
                }
                near(row[std::size_t(channel)], noise / signal, 2e-3, 1e-6);
            }
        }
    }

    // What was found before a stop is kept, and the rest completes to the same figures.
    void sensitivityGoesOnWhereItWasStopped() {
        Workbench& workbench = opened("tiny-llama");
        const DataRequest data = textOf("tiny-llama");
        SensitivityRequest request;
        request.recipe = Recipe::parse("w8a8:activation_bits=4");
        request.windows = 1;
        const Sensitivity whole = workbench.sensitivity(request, data);
        QVERIFY(whole.rows.size() >= 8);
        std::stop_source stop;
        Sensitivity partial;
        QVERIFY_EXCEPTION_THROWN(workbench.sensitivity(request, data, stop.get_token(),
                                                       [&](const Sensitivity& found) {
                                                           partial = found;
                                                           if (found.rows.front().only) stop.request_stop();
                                                       }),
                                 Cancelled);
        const auto known = std::ranges::count_if(
            partial.rows, [](const SiteSensitivity& row) { return row.only.has_value(); });
        QCOMPARE(known, 4);
        request.before = partial;
        int updates = 0;
        const Sensitivity rest =
            workbench.sensitivity(request, data, {}, [&](const Sensitivity&) { ++updates; });
        QCOMPARE(updates, 1 + int(whole.rows.size() - 4 + 3) / 4);
        QVERIFY(rest.complete);
        QCOMPARE(*rest.all, *whole.all);
        for (std::size_t i = 0; i < whole.rows.size(); ++i) {
            QCOMPARE(rest.rows[i].name, whole.rows[i].name);
            QCOMPARE(*rest.rows[i].only, *whole.rows[i].only);
            QCOMPARE(*rest.rows[i].allBut, *whole.rows[i].allBut);
        }
        request.before = rest;
        QVERIFY(workbench.sensitivity(request, data).complete);
    }

    void wrongQuestionsGetASentence() {
        Workbench& workbench = opened("tiny-llama");
        TextRequest text = readingOf("tiny-llama", "w8a8");
        text.data.path.clear();
        QVERIFY(failure([&] { workbench.readText(text); }).find("no text") != std::string::npos);
        AttentionRequest attention;
        attention.text = "a";
        attention.layer = 99;
        QVERIFY(failure([&] { workbench.readAttention(attention); }).find("no layer 99") !=
                std::string::npos);
        QVERIFY(failure([&] { workbench.roundingErrors({}, textOf("tiny-llama")); }).find("fp32") !=
                std::string::npos);
    }

    void stops() {
        std::stop_source stop;
        stop.request_stop();
        Workbench& workbench = opened("tiny-llama");
        QVERIFY_EXCEPTION_THROWN(workbench.readText(readingOf("tiny-llama", fourBits), stop.get_token()),
                                 Cancelled);
        AttentionRequest attention;
        attention.data = textOf("tiny-llama");
        QVERIFY_EXCEPTION_THROWN(workbench.readAttention(attention, stop.get_token()), Cancelled);
        QVERIFY_EXCEPTION_THROWN(
            workbench.roundingErrors(Recipe::parse(fourBits), attention.data, 1, stop.get_token()),
            Cancelled);
    }
};

QTEST_APPLESS_MAIN(TestTextReading)
#include "test_text_reading.moc"
