// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/model/byte_level_bpe.h"
#include "core/model/gguf.h"
#include "core/model/pretokenizer.h"
#include "core/model/tokenizer.h"
#include "tests/support/failure.h"
#include "tests/support/tokenizer_files.h"

#include <QtTest>

#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

using namespace kurtoscope;
using namespace kurtoscope::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path models = KURTOSCOPE_MODELS_DIR;

std::vector<std::vector<int>> readIds(const fs::path& file) {
    std::ifstream in(file);
    std::vector<std::vector<int>> rows;
    for (std::string line; std::getline(in, line);) {
        std::istringstream numbers(line);
        rows.emplace_back(std::istream_iterator<int>(numbers), std::istream_iterator<int>());
    }
    return rows;
}

std::string asText(const std::vector<int>& ids) {
    std::string text;
    for (const int id : ids)
        text += std::to_string(id) + " ";
    return text;
}

// Null, and `reason` set, where the model is not on this machine.
std::shared_ptr<const Tokenizer> openNamed(const std::string& name, std::string& reason) {
    const fs::path file = name == "minilm"    ? models / "all-MiniLM-L6-v2" / "tokenizer.json"
                          : name == "smollm2" ? models / "SmolLM2-135M-Instruct.Q4_1.gguf"
                                              : goldenTokenizers / (name + ".json");
    if (!fs::exists(file)) {
        reason = "not fetched: " + file.string();
        return nullptr;
    }
    if (name == "minilm") return Tokenizer::fromFolder(file.parent_path());
    if (name == "smollm2") return Tokenizer::fromSpec(GgufFile::open(file)->tokenizerSpec(), file.string());
    return fromJson(readJson(file));
}

} // namespace

class TokenizerTest : public QObject {
    Q_OBJECT

private slots:
    void equalsReference_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"gpt2", "llama3", "wordpiece", "minilm", "smollm2"})
            QTest::newRow(name) << name;
    }
    void equalsReference() {
        QFETCH(QString, name);
        std::string reason;
        const auto tokenizer = openNamed(name.toStdString(), reason);
        if (!tokenizer) QSKIP(reason.c_str());
        const json lines = readJson(goldenTokenizers / "lines.json");
        const auto expected = readIds(goldenTokenizers / (name.toStdString() + ".ids"));
        QVERIFY(lines.size() >= 2000);
        QCOMPARE(expected.size(), lines.size());
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const auto got = tokenizer->encode(lines[i].get<std::string>(), false);
            QVERIFY2(got.ids == expected[i], (lines[i].dump(-1, ' ', true) + "\n got      " +
                                              asText(got.ids) + "\n expected " + asText(expected[i]))
                                                 .c_str());
            QCOMPARE(got.typeIds.size(), got.ids.size());
        }
    }

    // BERT's words never cross a line, so a long text has the ids of its lines, wherever it is cut to be
    // normalized.
    void longTextsHaveTheIdsOfTheirLines_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"wordpiece", "minilm"})
            QTest::newRow(name) << name;
    }
    void longTextsHaveTheIdsOfTheirLines() {
        QFETCH(QString, name);
        std::string reason;
        const auto tokenizer = openNamed(name.toStdString(), reason);
        if (!tokenizer) QSKIP(reason.c_str());
        const json lines = readJson(goldenTokenizers / "lines.json");
        const auto rows = readIds(goldenTokenizers / (name.toStdString() + ".ids"));
        std::string text;
        std::vector<int> expected;
        for (int turn = 0; turn < 5; ++turn)
            for (std::size_t i = 0; i < lines.size(); ++i) {
                text += lines[i].get<std::string>() + "\n";
                expected.insert(expected.end(), rows[i].begin(), rows[i].end());
            }
        QVERIFY(text.size() > 200'000); // several stretches
        QVERIFY(tokenizer->encode(text, false).ids == expected);
    }

    void stopsInTheMiddle_data() { equalsReference_data(); }
    void stopsInTheMiddle() {
        QFETCH(QString, name);
        std::string reason;
        const auto tokenizer = openNamed(name.toStdString(), reason);
        if (!tokenizer) QSKIP(reason.c_str());
        std::stop_source source;
        source.request_stop();
        for (const char* text : {"a", "one two, 3", "été"})
            QVERIFY_THROWS_EXCEPTION(Cancelled, tokenizer->encode(text, false, 0, source.get_token()));
    }

    void templatesTruncationAndDecoding_data() { equalsReference_data(); }
    void templatesTruncationAndDecoding() {
        QFETCH(QString, name);
        std::string reason;
        const auto tokenizer = openNamed(name.toStdString(), reason);
        if (!tokenizer) QSKIP(reason.c_str());
        for (const json& row : readJson(goldenTokenizers / (name.toStdString() + ".cases.json"))) {
            const std::string a = row["a"], b = row["b"], what = row.dump(-1, ' ', true);
            const std::size_t length = row["length"];
            const Encoding one = tokenizer->encode(a, true, length),
                           two = tokenizer->encodePair(a, b, length);
            QVERIFY2(one.ids == row["ids"].get<std::vector<int>>(), what.c_str());
            QVERIFY2(one.typeIds == row["types"].get<std::vector<int>>(), what.c_str());
            QVERIFY2(two.ids == row["pair"].get<std::vector<int>>(), (what + asText(two.ids)).c_str());
            QVERIFY2(two.typeIds == row["pairTypes"].get<std::vector<int>>(), what.c_str());
            QVERIFY2(tokenizer->encode(a, false, length).ids == row["bare"].get<std::vector<int>>(),
                     what.c_str());
            QCOMPARE(tokenizer->decode(two.ids, false), row["decoded"].get<std::string>());
            QCOMPARE(tokenizer->decode(two.ids, true), row["skipped"].get<std::string>());
            QVERIFY(length == 0 || (one.ids.size() <= length && two.ids.size() <= length));
        }
    }

    void partsOfTheFileMeanWhatTheReferenceMakesOfThem() {
        const json lines = readJson(goldenTokenizers / "lines.json");
        const json variants = readJson(goldenTokenizers / "variants.json");
        QVERIFY(variants.size() > 40);
        for (const json& row : variants) {
            json document = small(row["base"]);
            document.update(row["change"]);
            const auto tokenizer = fromJson(document);
            for (std::size_t i = 0; i < row["lines"].size(); ++i) {
                const json& line = lines[row["lines"][i].get<std::size_t>()];
                const auto got = tokenizer->encode(line.get<std::string>(), false).ids;
                QVERIFY2(got == row["ids"][i].get<std::vector<int>>(),
                         (row["change"].dump() + "\n" + line.dump(-1, ' ', true) + "\n got      " +
                          asText(got) + "\n expected " + row["ids"][i].dump())
                             .c_str());
            }
        }
    }

    void handMatchersEqualTheirExpressions_data() {
        QTest::addColumn<int>("pattern");
        QTest::newRow("gpt2") << static_cast<int>(BytePattern::Gpt2);
        QTest::newRow("llama3") << static_cast<int>(BytePattern::Llama3);
        QTest::newRow("qwen2") << static_cast<int>(BytePattern::Qwen2);
    }
    void handMatchersEqualTheirExpressions() {
        QFETCH(int, pattern);
        const auto known = static_cast<BytePattern>(pattern);
        Pretokenizer byHand, byExpression;
        byHand.addPattern(known);
        // A comment keeps it the same expression; characters newer than this ICU are left to equalsReference.
        byExpression.addRegex(bytePatternText(known), SplitBehavior::Isolated, false, "test");
        for (const json& line : readJson(goldenTokenizers / "lines.json")) {
            const std::string text = line;
            QVERIFY2(byHand.split(text).views == byExpression.split(text).views,
                     line.dump(-1, ' ', true).c_str());
        }
    }

    void bytesThatAreNotUtf8BecomeTheReplacementCharacter_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("repaired");
        const QByteArray r = "\xEF\xBF\xBD";
        QTest::newRow("lone continuation") << QByteArray("a\x80z") << "a" + r + "z";
        QTest::newRow("truncated character") << QByteArray("a\xE5\xAD") << "a" + r;
        QTest::newRow("truncated before a letter") << QByteArray("\xF0\x9F\x98z") << r + "z";
        QTest::newRow("overlong") << QByteArray("\xC0\xAF") << r + r;
        QTest::newRow("surrogate") << QByteArray("\xED\xA0\x80") << r + r + r;
        QTest::newRow("beyond the last") << QByteArray("\xF4\x90\x80\x80") << r + r + r + r;
        QTest::newRow("latin-1") << QByteArray("caf\xE9 x") << "caf" + r + " x";
    }
    void bytesThatAreNotUtf8BecomeTheReplacementCharacter() {
        QFETCH(QByteArray, bytes);
        QFETCH(QByteArray, repaired);
        const auto tokenizer = fromJson(small("gpt2"));
        const auto ids = tokenizer->encode(bytes.toStdString(), false).ids;
        QVERIFY(ids == tokenizer->encode(repaired.toStdString(), false).ids);
        QCOMPARE(tokenizer->decode(ids, false), repaired.toStdString());
    }

    void tokensReadAsAPersonReadsThem() {
        const auto bpe = fromJson(small("gpt2"));
        QCOMPARE(bpe->tokenText(bpe->idOf("\u0120the")), std::string(" the"));
        QCOMPARE(bpe->tokenText(bpe->idOf("\u010A")), std::string("\n"));
        QCOMPARE(bpe->tokenText(bpe->idOf(byteLevelText("\xE2"))), std::string("\uFFFD"));
        QCOMPARE(bpe->tokenText(bpe->idOf("<mask>")), std::string("<mask>"));
        QCOMPARE(bpe->tokenText(bpe->vocabularySize()), std::string());
        QCOMPARE(bpe->tokenText(-1), std::string());
        QCOMPARE(bpe->idOf("no such token"), -1);
        const auto words = fromJson(small("wordpiece"));
        QVERIFY(words->idOf("##ple") >= 0);
        QCOMPARE(words->tokenText(words->idOf("##ple")), std::string("ple"));
        QCOMPARE(words->tokenText(words->idOf("the")), std::string("the"));
        QCOMPARE(words->padId(), words->idOf("[PAD]"));
    }

    void byteAlphabetGoesBothWays() {
        std::string all, back;
        for (int b = 0; b < 256; ++b)
            all += static_cast<char>(b);
        QVERIFY(byteLevelToBytes(byteLevelText(all), back));
        QCOMPARE(back, all);
        QVERIFY(!byteLevelToBytes("a b", back)); // the space has a stand-in, so it stands for nothing
    }

    void foldersWithoutTokenizerJson() {
        const fs::path model = models / "all-MiniLM-L6-v2";
        if (!fs::exists(model / "vocab.txt")) QSKIP(("not fetched: " + model.string()).c_str());
        TokenizerFolder folder;
        fs::copy(model / "vocab.txt", folder.path() / "vocab.txt");
        fs::copy(model / "tokenizer_config.json", folder.path() / "tokenizer_config.json");
        const auto plain = folder.open(), full = Tokenizer::fromFolder(model);
        for (const json& line : readJson(goldenTokenizers / "lines.json"))
            QVERIFY2(plain->encode(line.get<std::string>(), true).ids ==
                         full->encode(line.get<std::string>(), true).ids,
                     line.dump().c_str());
        QVERIFY(plain->encodePair("one", "two").typeIds == full->encodePair("one", "two").typeIds);
    }

    void vocabTextSettings() {
        TokenizerFolder folder;
        folder.put("vocab.txt",
                   "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nÉa\r\néa\r\nea\r\n字\r\n##字\r\n");
        auto ids = [&](const char* settings, const char* text) {
            folder.put("tokenizer_config.json", settings);
            return asText(folder.open()->encode(text, true).ids);
        };
        QCOMPARE(ids("{}", "Éa"), std::string("2 7 3 "));
        QCOMPARE(ids(R"({"do_lower_case": false})", "Éa"), std::string("2 5 3 "));
        QCOMPARE(ids(R"({"strip_accents": false})", "Éa"), std::string("2 6 3 "));
        QCOMPARE(ids("{}", "字字"), std::string("2 8 8 3 "));
        QCOMPARE(ids(R"({"tokenize_chinese_chars": false})", "字字"), std::string("2 8 9 3 "));
        QCOMPARE(ids("{}", "a [MASK]"), std::string("2 1 4 3 "));
    }

    void vocabJsonWithMerges() {
        const json document = small("gpt2");
        std::string merges = "#version: 0.2\n";
        for (const json& line : document["model"]["merges"])
            merges += line.get<std::string>() + "\n";
        json added;
        for (const json& token : document["added_tokens"])
            if (token["id"] >= document["model"]["vocab"].size())
                added[std::to_string(token["id"].get<int>())] = {{"content", token["content"]},
                                                                 {"special", true}};
        TokenizerFolder folder;
        folder.put("vocab.json", document["model"]["vocab"].dump()).put("merges.txt", merges);
        folder.put("tokenizer_config.json", json{{"added_tokens_decoder", added}}.dump());
        const auto plain = folder.open(), full = fromJson(document);
        QCOMPARE(plain->vocabularySize(), full->vocabularySize());
        for (const char* text : {"Hello  they've 12 Größe\n\n x", "a<|endoftext|>b", ""})
            QVERIFY(plain->encode(text, true).ids == full->encode(text, true).ids);
    }

    void specsAddWhatTheySay() {
        TokenizerSpec spec = letters();
        spec.begin = 0;
        spec.end = 1;
        auto ids = [&](const char* text) {
            return asText(Tokenizer::fromSpec(spec, "test")->encode(text, true).ids);
        };
        QCOMPARE(ids("abc a"), std::string("6 8 "));
        spec.addBegin = true;
        QCOMPARE(ids("abc a"), std::string("0 6 8 "));
        spec.addEnd = true;
        QCOMPARE(ids("a</s>b"), std::string("0 2 1 3 1 "));
        spec.addPrefixSpace = true;
        QCOMPARE(ids("a"), std::string("0 8 1 "));
        spec.userDefined = {false, false, false, false, false, true};
        const auto tokenizer = Tokenizer::fromSpec(spec, "test");
        QVERIFY(tokenizer->encodePair("a", "b").ids == (std::vector{0, 8, 1, 0, 7, 3, 1}));
        QVERIFY(tokenizer->encode("abc", false).ids == (std::vector{5, 7, 4})); // "ab" is cut out first
        QCOMPARE(tokenizer->decode({0, 5, 4, 1}, true), std::string("abc"));
    }

    void longInputsStayFast() {
        const auto tokenizer = fromJson(small("gpt2"));
        for (const std::string& unit :
             {std::string("a"), std::string(" "), std::string("é"), std::string("!\n")}) {
            // Of this thread alone, for a text and one four times as long: a quadratic merge takes 16 times as long.
            std::vector<double> seconds;
            for (const std::size_t size : {100'000, 400'000}) {
                std::string text;
                while (text.size() < size)
                    text += unit;
                const std::clock_t start = std::clock();
                QCOMPARE(tokenizer->decode(tokenizer->encode(text, false).ids, false), text);
                seconds.push_back(double(std::clock() - start) / CLOCKS_PER_SEC);
            }
            QVERIFY2(seconds[1] < 9 * seconds[0] + 0.2,
                     qPrintable(QString("%1 s, then %2 s").arg(seconds[0]).arg(seconds[1])));
        }
    }

    void threadsShareATokenizer() {
        const auto tokenizer = fromJson(small("wordpiece"));
        const json lines = readJson(goldenTokenizers / "lines.json");
        const auto expected = readIds(goldenTokenizers / "wordpiece.ids");
        std::array<int, 4> wrong{};
        std::vector<std::jthread> threads;
        for (int& count : wrong)
            threads.emplace_back([&] {
                for (std::size_t i = 0; i < lines.size(); i += 3)
                    count += tokenizer->encode(lines[i].get<std::string>(), false).ids != expected[i];
            });
        threads.clear();
        QVERIFY(wrong == (std::array<int, 4>{}));
    }
};

QTEST_APPLESS_MAIN(TokenizerTest)
#include "test_tokenizer.moc"
