// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/failure.h"
#include "tests/support/tokenizer_files.h"

#include <QtTest>

using namespace kurtoscope;
using namespace kurtoscope::test;
using nlohmann::json;

class TokenizerErrorsTest : public QObject {
    Q_OBJECT

private slots:
    void refusesInOneSentence_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<QString>("pointer"); // what is exchanged in the file
        QTest::addColumn<QString>("value");   // JSON, with ' for "
        QTest::addColumn<QString>("key");     // both named in the sentence
        QTest::addColumn<QString>("says");
        auto row = [](const char* title, const char* base, const char* pointer, const char* value,
                      const char* key,
                      const char* says) { QTest::newRow(title) << base << pointer << value << key << says; };
        row("unigram", "gpt2", "/model/type", "'Unigram'", "key model", "WordPiece, BPE");
        row("word level", "gpt2", "/model/type", "'WordLevel'", "key model",
            "\"WordLevel\" is not supported");
        row("byte fallback", "gpt2", "/model/byte_fallback", "true", "model.byte_fallback", "byte-level BPE");
        row("end of word", "gpt2", "/model/end_of_word_suffix", "'</w>'", "model.end_of_word_suffix",
            "not supported");
        row("metaspace", "gpt2", "/pre_tokenizer", "{'type':'Metaspace'}", "key pre_tokenizer",
            "ByteLevel, Digits");
        row("no byte level", "gpt2", "/pre_tokenizer", "null", "key model", "without a ByteLevel");
        row("after byte level", "gpt2", "/pre_tokenizer",
            "{'type':'Sequence','pretokenizers':[{'type':'ByteLevel'},{'type':'Digits'}]}",
            "pre_tokenizer.pretokenizers[1]", "last step");
        row("bad expression", "gpt2", "/pre_tokenizer",
            "{'type':'Split','pattern':{'Regex':'(a'},'behavior':'Isolated'}", "pre_tokenizer.pattern.Regex",
            "failed");
        row("bad behaviour", "gpt2", "/pre_tokenizer",
            "{'type':'Split','pattern':{'String':'a'},'behavior':'Cut'}", "pre_tokenizer.behavior",
            "MergedWithNext");
        row("normalizer", "gpt2", "/normalizer", "{'type':'Precompiled'}", "key normalizer",
            "BertNormalizer, NFC");
        row("post-processor", "gpt2", "/post_processor", "{'type':'RobertaProcessing'}", "key post_processor",
            "TemplateProcessing");
        row("decoder", "gpt2", "/decoder", "{'type':'Metaspace'}", "key decoder", "WordPiece, ByteLevel");
        row("merge outside", "gpt2", "/model/merges/3", "'q qqqqqqq'", "key model",
            "\"qqqqqqq\", which is not");
        row("merge into nothing", "gpt2", "/model/merges/3", "'~ ~'", "key model", "\"~~\", which is not");
        row("merge of three", "gpt2", "/model/merges/0", "'a b c'", "model.merges[0]", "one space");
        row("merge of one", "llama3", "/model/merges/2", "['a']", "model.merges[2]", "pair");
        row("merges missing", "gpt2", "/model/merges", "null", "model.merges", "got null, expected an array");
        row("id below 0", "gpt2", "/model/vocab/!", "-1", "model.vocab", "has id -1");
        row("id huge", "gpt2", "/model/vocab/!", "4000000000", "model.vocab", "4000000000");
        row("id twice", "gpt2", "/model/vocab/!", "5", "model.vocab", "has it too");
        row("id a word", "gpt2", "/model/vocab/!", "'5'", "model.vocab", "no integer id");
        row("added beyond", "gpt2", "/added_tokens/4/id", "99999", "added_tokens[4].id", "got 99999");
        row("added elsewhere", "gpt2", "/added_tokens/0/id", "7", "added_tokens[0].id",
            "the vocabulary says 0");
        row("added taken", "gpt2", "/added_tokens/4/id", "20", "added_tokens[4].id", "this is");
        row("added nameless", "gpt2", "/added_tokens/0/content", "3", "added_tokens[0].content",
            "expected a string");
        row("unknown missing", "wordpiece", "/model/unk_token", "'[NO]'", "key model", "\"[NO]\" is not in");
        row("separator outside", "wordpiece", "/post_processor/sep/1", "77777", "post_processor.sep[1]",
            "77777");
        row("template outside", "llama3",
            "/post_processor/processors/1/special_tokens/<|begin_of_text|>/ids/0", "-4", "ids[0]",
            "no token has id -4");
        row("template nameless", "llama3", "/post_processor/processors/1/single/0/SpecialToken/id", "'<x>'",
            "special_tokens.<x>", "missing");
        row("model missing", "gpt2", "/model", "5", "key model", "expected an object");
        row("flag of text", "gpt2", "/model/ignore_merges", "'yes'", "model.ignore_merges", "true or false");
    }
    void refusesInOneSentence() {
        QFETCH(QString, base);
        QFETCH(QString, pointer);
        QFETCH(QString, value);
        QFETCH(QString, key);
        QFETCH(QString, says);
        json document = small(base.toStdString());
        document[json::json_pointer(pointer.toStdString())] =
            json::parse(value.replace('\'', '"').toStdString());
        const QString sentence = QString::fromStdString(failure([&] { fromJson(document); }));
        QVERIFY2(sentence.contains("tokenizer.json") && sentence.contains(key) && sentence.contains(says),
                 qPrintable(sentence));
    }

    void damagedFiles() {
        auto says = [](const std::string& sentence, const char* part) {
            return sentence.find(part) != std::string::npos ? std::string("yes") : sentence;
        };
        auto opening = [](TokenizerFolder& folder) { return failure([&] { folder.open(); }); };
        TokenizerFolder empty, cut, deep, endless, sentencePiece, noMerges, gap, noCls;
        QCOMPARE(says(opening(empty), "no tokenizer was found"), std::string("yes"));
        cut.put("tokenizer.json", "{\"model\": {\"type\": \"BPE\"");
        QCOMPARE(says(opening(cut), "not valid JSON"), std::string("yes"));
        std::string nested = "{\"type\": \"NFC\"}"; // as text: writing a deep value out recurses
        for (int i = 0; i < 20; ++i)
            nested.insert(0, "{\"type\": \"Sequence\", \"normalizers\": [");
        for (int i = 0; i < 20; ++i)
            nested += "]}";
        deep.put("tokenizer.json", "{\"normalizer\": " + nested + "}");
        QCOMPARE(says(opening(deep), "nested more than 8 deep"), std::string("yes"));
        endless.put("vocab.json", "{\"a\": " + std::string(200'000, '[') + std::string(200'000, ']') + "}");
        QCOMPARE(says(opening(endless), "nested more than 64 deep"), std::string("yes"));
        sentencePiece.put("tokenizer.model", "x");
        QCOMPARE(says(opening(sentencePiece), "SentencePiece"), std::string("yes"));
        noMerges.put("vocab.json", json{{"a", 0}}.dump());
        QCOMPARE(says(opening(noMerges), "merges.txt"), std::string("yes"));
        gap.put("vocab.json", json{{"a", 0}, {"b", 2}}.dump()).put("merges.txt", "");
        QCOMPARE(says(opening(gap), "expected each of 0 to 1 once"), std::string("yes"));
        noCls.put("vocab.txt", "[UNK]\na\n");
        QCOMPARE(says(opening(noCls), "[CLS]"), std::string("yes"));
    }

    void expressionsThatNeverEndAreStopped() {
        json document = small("gpt2");
        const json split = {{"type", "Split"}, {"pattern", {{"Regex", "(a*)*$x"}}}, {"behavior", "Isolated"}};
        const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
        document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}};
        const auto tokenizer = fromJson(document);
        const std::string sentence = failure([&] { tokenizer->encode(std::string(60, 'a'), false); });
        QVERIFY2(sentence.find("U_REGEX_TIME_OUT") != std::string::npos, sentence.c_str());
    }

    void damagedSpecs() {
        auto sentence = [](auto&& change) {
            TokenizerSpec spec = letters();
            change(spec);
            return QString::fromStdString(failure([&] { Tokenizer::fromSpec(spec, "model.gguf"); }));
        };
        QCOMPARE(sentence([](auto&) {}), QString("no error"));
        QVERIFY(sentence([](auto& s) { s.model = "unigram"; }).contains("Supported: bpe, wordpiece"));
        QVERIFY(sentence([](auto& s) { s.pattern = "tekken"; }).contains("\"tekken\" is not supported"));
        QVERIFY(sentence([](auto& s) { s.merges.push_back("a x"); }).contains("merge 3"));
        QVERIFY(sentence([](auto& s) { s.merges.push_back("ab"); }).contains("expected two tokens"));
        QVERIFY(sentence([](auto& s) { s.merges.push_back(""); }).contains("expected two tokens"));
        QVERIFY(sentence([](auto& s) { s.begin = 9; }).contains("the vocabulary has 9 tokens"));
        QVERIFY(sentence([](auto& s) { s.pad = -7; }).contains("padding token has id -7"));
        QVERIFY(sentence([](auto& s) { s.special.resize(10); }).contains("marked special"));
        QVERIFY(sentence([](auto& s) { s.tokens[3] = "a"; }).contains("was listed before"));
        QVERIFY(sentence([](auto& s) { s.model = "wordpiece"; }).contains("[UNK]"));
    }

    void lengthsTooShortForTheTemplateAreRefused() {
        const auto tokenizer = fromJson(small("wordpiece"));
        QCOMPARE(tokenizer->encode("the channel", true, 2).ids.size(), std::size_t{2});
        QVERIFY(failure([&] {
                    tokenizer->encode("the channel", true, 1);
                }).find("special tokens alone are 2") != std::string::npos);
        QVERIFY(failure([&] { tokenizer->encodePair("a", "b", 2); }) != "no error");
    }
};

QTEST_APPLESS_MAIN(TokenizerErrorsTest)
#include "test_tokenizer_errors.moc"
