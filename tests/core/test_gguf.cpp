// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gguf.h"
#include "core/model/mapped_file.h"
#include "tests/support/failure.h"
#include "tests/support/gguf_bytes.h"

#include <QtTest>

#include <limits>

using namespace kurtoscope;
using kurtoscope::test::GgufBytes;

namespace {

std::shared_ptr<const GgufFile> readBytes(const std::string& bytes, const char* name = "model.gguf") {
    return GgufFile::read(MappedFile::fromBytes(test::asBytes(bytes), name));
}

// A tokenizer's keys as converters write them; a test adds, leaves out or changes.
GgufBytes bytePairs(std::uint64_t values, const char* pre) {
    GgufBytes file(0, values);
    return file.text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "a", "b", "ab"})
        .texts("tokenizer.ggml.merges", {"a b"});
}

} // namespace

class GgufTest : public QObject {
    Q_OBJECT

private slots:
    void readsEveryKindOfValue() {
        GgufBytes file(0, 17);
        file.key("u8", 0).put<std::uint8_t>(200).key("i8", 1).put<std::int8_t>(-3);
        file.key("u16", 2).put<std::uint16_t>(60000).key("i16", 3).put<std::int16_t>(-300);
        file.integer("u32", 4'000'000'000).key("i32", 5).put<std::int32_t>(-70000);
        file.key("f32", 6).put(0.5F).flag("yes", true).text("text", "größer");
        file.key("u64", 10).put<std::uint64_t>(1ULL << 40).key("i64", 11).put<std::int64_t>(-5);
        file.key("f64", 12).put(1e300).key("huge", 10).put(std::numeric_limits<std::uint64_t>::max());
        file.texts("texts", {"a", "", "c"}).integers("integers", {3, -4});
        file.array("floats", 6, 2).put(1.0F).put(-2.0F).array("flags", 7, 2).put<std::uint16_t>(0x0100);
        const auto read = readBytes(file.bytes);

        QCOMPARE(read->integer("u8"), std::int64_t{200});
        QCOMPARE(read->integer("i8"), std::int64_t{-3});
        QCOMPARE(read->integer("u16"), std::int64_t{60000});
        QCOMPARE(read->integer("i16"), std::int64_t{-300});
        QCOMPARE(read->integer("u32"), std::int64_t{4'000'000'000});
        QCOMPARE(read->integer("i32"), std::int64_t{-70000});
        QCOMPARE(read->integer("u64"), std::int64_t{1} << 40);
        QCOMPARE(read->integer("i64"), std::int64_t{-5});
        QCOMPARE(read->number("f32"), 0.5);
        QCOMPARE(read->number("f64"), 1e300);
        QCOMPARE(read->number("u8"), 200.0); // a whole number is a number
        QCOMPARE(read->number("huge"), 0x1p64);
        QCOMPARE(read->text("text"), std::string("größer"));
        QVERIFY(read->flag("yes"));
        QCOMPARE(read->texts("texts"), (std::vector<std::string>{"a", "", "c"}));
        QCOMPARE(read->integers("integers"), (std::vector<std::int64_t>{3, -4}));
        QCOMPARE(read->integers("flags"), (std::vector<std::int64_t>{0, 1}));
        QCOMPARE(std::get<std::vector<double>>(std::get<GgufArray>(read->metadata().at("floats"))),
                 (std::vector<double>{1, -2}));
        QVERIFY(read->has("u8") && !read->has("u9"));
        QVERIFY(read->tensors().empty());
    }

    void namesTheKeyThatIsMissingOrOfAnotherType() {
        const auto read = readBytes(GgufBytes(0, 1).text("name", "x").bytes);
        const auto missing =
            QString::fromStdString(test::failure([&] { read->integer("llama.block_count"); }));
        QVERIFY2(missing.contains("model.gguf") && missing.contains("\"llama.block_count\" is missing"),
                 qPrintable(missing));
        const auto other = QString::fromStdString(test::failure([&] { read->integer("name"); }));
        QVERIFY2(other.contains("\"name\" is a text, expected a whole number"), qPrintable(other));
        const auto array = QString::fromStdString(test::failure([&] { read->texts("name"); }));
        QVERIFY2(array.contains("expected an array of texts"), qPrintable(array));
    }

    void readsTensorsRowMajor_data() {
        QTest::addColumn<unsigned>("version");
        QTest::addColumn<unsigned>("alignment");
        QTest::newRow("version 2") << 2u << 32u;
        QTest::newRow("version 3") << 3u << 32u;
        QTest::newRow("wider alignment") << 3u << 128u;
    }

    void readsTensorsRowMajor() {
        QFETCH(unsigned, version);
        QFETCH(unsigned, alignment);
        GgufBytes file(4, 1, version);
        file.integer("general.alignment", alignment);
        file.tensor("w", {4, 2, 3}, 24, 0).tensor("scalar", {}, 24, alignment);
        file.tensor("none", {0, 5}, 0, alignment).tensor("blocks", {64, 1}, 8, 2 * alignment);
        file.data(2 * alignment + 68, alignment);
        const auto read = readBytes(file.bytes);
        QCOMPARE(read->tensors().size(), std::size_t{4});
        QCOMPARE(read->tensors()[0].name, std::string("blocks"));
        QCOMPARE(read->find("w")->shape, (std::vector<std::int64_t>{3, 2, 4}));
        QCOMPARE(read->find("none")->elements(), std::int64_t{0});
        QCOMPARE(read->find("blocks")->bytes.size(), std::size_t{68});
        std::vector<float> values(24);
        dequantize(*read->find("w"), values);
        for (std::size_t i = 0; i < values.size(); ++i)
            QCOMPARE(values[i], static_cast<float>(i));
        float scalar = 0;
        dequantize(*read->find("scalar"), {&scalar, 1});
        QCOMPARE(scalar, static_cast<float>(static_cast<signed char>(alignment))); // byte number `alignment`
    }

    void refusesDamage_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QStringList>("says");
        const auto row = [](const char* title, const std::string& bytes, const QStringList& says) {
            QTest::newRow(title) << QByteArray::fromStdString(bytes) << says;
        };
        const auto one = [](std::vector<std::uint64_t> shape, std::uint32_t type, std::uint64_t offset,
                            std::size_t data) {
            return GgufBytes(1, 0).tensor("w", shape, type, offset).data(data).bytes;
        };
        constexpr std::uint64_t huge = ~0ULL;

        row("another format", "{\"a\": 1}", {"not a GGUF file"});
        row("three bytes", "GGU", {"not a GGUF file"});
        row("a safetensors file", std::string("\x10\0\0\0\0\0\0\0{\"w\": {}}", 17), {"this is a safetensors file", "model.safetensors"});
        row("magic only", "GGUF", {"cut short", "version"});
        row("a zip, as torch.save writes", "PK\x03\x04 and more", {"pickle", "Convert it to safetensors: "});
        row("version 1", GgufBytes(0, 0, 1).bytes, {"version 1", "expected 2 or 3"});
        row("version 4", GgufBytes(0, 0, 4).bytes, {"version 4"});
        row("big-endian", GgufBytes(0, 0, 0x03000000).bytes, {"big-endian"});
        row("more values than bytes", GgufBytes(0, huge).bytes,
            {"18446744073709551615 metadata values", "0 bytes are left"});
        row("more tensors than bytes", GgufBytes(huge, 0).bytes, {"18446744073709551615 tensors"});
        row("key longer than the file", GgufBytes(0, 1).put(huge).data(64, 1).bytes,
            {"metadata key", "cut short"});
        row("text longer than the file", GgufBytes(0, 1).key("k", 8).put(huge).data(64, 1).bytes,
            {"\"k\"", "cut short"});
        row("array longer than the file", GgufBytes(0, 1).array("k", 4, huge / 4).data(64, 1).bytes,
            {"values of key \"k\"", "64 bytes are left"});
        row("text in an array too long", GgufBytes(0, 1).array("k", 8, 1).put(huge).bytes,
            {"\"k\"", "cut short"});
        row("array of arrays", GgufBytes(0, 1).array("k", 9, 1).data(64, 1).bytes,
            {"\"k\"", "array of arrays"});
        row("unknown value type", GgufBytes(0, 1).key("k", 13).data(64, 1).bytes,
            {"\"k\"", "value type 13", "0 to 12"});
        row("unknown type in an array", GgufBytes(0, 1).array("k", 77, 1).data(64, 1).bytes,
            {"\"k\"", "type 77"});
        row("array of numbers too large", GgufBytes(0, 1).array("k", 10, 1).put(huge).bytes,
            {"\"k\"", "63 bits"});
        row("key twice", GgufBytes(0, 2).integer("k", 1).integer("k", 2).bytes, {"\"k\" stands twice"});
        row("alignment 0", GgufBytes(0, 1).integer("general.alignment", 0).bytes,
            {"general.alignment", "is 0"});
        row("alignment 48", GgufBytes(0, 1).integer("general.alignment", 48).bytes,
            {"is 48", "power of two"});
        row("alignment a text", GgufBytes(0, 1).text("general.alignment", "x").bytes,
            {"general.alignment", "a text"});
        row("five dimensions", one({1, 1, 1, 1, 1}, 0, 0, 4), {"\"w\"", "5 dimensions"});
        row("dimension beyond 63 bits", one({huge}, 0, 0, 4), {"\"w\"", "too large"});
        row("product overflows", one({1ULL << 40, 1ULL << 40}, 0, 0, 4), {"\"w\"", "63 bits"});
        row("bytes overflow", one({1ULL << 62}, 0, 0, 4), {"\"w\"", "63 bits"});
        row("unknown tensor type", one({256}, 23, 0, 136), {"\"w\"", "type number 23", "Q2_K to Q6_K"});
        row("rows not whole blocks", one({48, 2}, 8, 0, 102),
            {"\"w\"", "Q8_0 [2, 48]", "whole blocks of 32"});
        row("offset not aligned", one({1}, 0, 4, 8), {"\"w\"", "byte 4", "multiple of 32"});
        row("offset beyond the data", one({1}, 0, 64, 8), {"\"w\"", "byte 64", "only 8"});
        row("offset wraps around", one({8}, 0, huge - 31, 32), {"\"w\"", "only 32"});
        row("data cut", one({8}, 0, 0, 31), {"\"w\"", "32 bytes", "only 31", "cut short"});
        row("no data at all", GgufBytes(1, 0).tensor("w", {8}, 0, 0).bytes, {"\"w\"", "only 0"});
        row("overlap", GgufBytes(2, 0).tensor("w", {16}, 0, 0).tensor("v", {1}, 0, 32).data(64).bytes,
            {"\"v\" overlaps \"w\""});
        row("name twice", GgufBytes(2, 0).tensor("w", {1}, 0, 0).tensor("w", {1}, 0, 32).data(64).bytes,
            {"\"w\" stands twice"});
    }

    void refusesDamage() {
        QFETCH(QByteArray, bytes);
        QFETCH(QStringList, says);
        const auto sentence = QString::fromStdString(test::failure([&] { readBytes(bytes.toStdString()); }));
        QVERIFY2(sentence.startsWith("model.gguf: "), qPrintable(sentence));
        for (const auto& part : says)
            QVERIFY2(sentence.contains(part), qPrintable("\"" + part + "\" expected in: " + sentence));
        QVERIFY2(sentence.endsWith('.') && !sentence.contains('\n'), qPrintable(sentence));
    }

    void refusesEveryTruncation() {
        GgufBytes file(1, 3);
        file.integer("a", 1).texts("b", {"x", "yy"}).text("c", "text").tensor("w", {2, 3}, 0, 0).data(24);
        QCOMPARE(readBytes(file.bytes)->tensors().size(), std::size_t{1});
        for (std::size_t length = 1; length < file.bytes.size(); ++length)
            QVERIFY2(test::failure([&] { readBytes(file.bytes.substr(0, length)); }) != "no error",
                     qPrintable(QString::number(length)));
    }

    void refusesWhatIsNoFile() {
        const auto missing =
            QString::fromStdString(test::failure([] { GgufFile::open("/nowhere/model.gguf"); }));
        QVERIFY2(missing.contains("/nowhere/model.gguf: the file does not exist"), qPrintable(missing));
        QVERIFY(test::failure([] { GgufFile::open("/tmp"); }).find("folder") != std::string::npos);
    }

    void describesBytePairs_data() {
        QTest::addColumn<QString>("pre");
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<bool>("addsBegin"); // where add_bos_token is not given
        QTest::newRow("SmolLM") << "smollm"
                                << "smollm" << false;
        QTest::newRow("LLaMA 3") << "llama-bpe"
                                 << "llama3" << true;
        QTest::newRow("LLaMA 3, older name") << "llama3"
                                             << "llama3" << true;
        QTest::newRow("Smaug") << "smaug-bpe"
                               << "llama3" << false;
        QTest::newRow("GPT-2") << "gpt-2"
                               << "gpt2" << false;
        QTest::newRow("default") << "default"
                                 << "gpt2" << false;
    }

    void describesBytePairs() {
        QFETCH(QString, pre);
        QFETCH(QString, pattern);
        QFETCH(bool, addsBegin);
        auto file = bytePairs(9, pre.toUtf8().constData());
        file.integers("tokenizer.ggml.token_type", {2, 3, 3, 1, 4, 1})
            .integer("tokenizer.ggml.bos_token_id", 1);
        file.integer("tokenizer.ggml.eos_token_id", 2).integer("tokenizer.ggml.unknown_token_id", 0);
        auto silent = file;
        file.flag("tokenizer.ggml.add_bos_token", true);
        silent.flag("tokenizer.ggml.add_eos_token", true);

        const auto spec = readBytes(file.bytes)->tokenizerSpec();
        QCOMPARE(spec.model, std::string("bpe"));
        QCOMPARE(spec.pattern, pattern.toStdString());
        QCOMPARE(spec.tokens.size(), std::size_t{6});
        QCOMPARE(spec.tokens[5], std::string("ab"));
        QCOMPARE(spec.merges, std::vector<std::string>{"a b"});
        QCOMPARE(spec.special, (std::vector<bool>{false, true, true, false, false, false}));
        QCOMPARE(spec.userDefined, (std::vector<bool>{false, false, false, false, true, false}));
        QCOMPARE(spec.unknown, 0);
        QCOMPARE(spec.begin, 1);
        QCOMPARE(spec.end, 2);
        QVERIFY(spec.addBegin && !spec.addEnd);
        const auto other = readBytes(silent.bytes)->tokenizerSpec();
        QCOMPARE(other.addBegin, addsBegin);
        QVERIFY(other.addEnd);
    }

    void describesWordPieces() {
        GgufBytes file(0, 5);
        file.text("tokenizer.ggml.model", "bert");
        file.texts("tokenizer.ggml.tokens",
                   {"[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁run", "ning", "▁[", "]"});
        file.integers("tokenizer.ggml.token_type", {3, 5, 2, 3, 3, 3, 1, 1, 1, 1});
        file.integer("tokenizer.ggml.cls_token_id", 3).integer("tokenizer.ggml.seperator_token_id", 4);
        const auto spec = readBytes(file.bytes)->tokenizerSpec();
        QCOMPARE(spec.model, std::string("wordpiece"));
        QCOMPARE(spec.tokens, (std::vector<std::string>{"[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]",
                                                        "[MASK]", "run", "##ning", "[", "##]"}));
        QCOMPARE(spec.special,
                 (std::vector<bool>{true, false, true, true, true, true, false, false, false, false}));
        QCOMPARE(spec.begin, 3);
        QCOMPARE(spec.end, 4);
        QCOMPARE(spec.unknown, 2);
        QVERIFY(spec.addBegin && spec.addEnd && spec.lowercase);
    }

    void refusesATokenizerThatItCannotDescribe_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QStringList>("says");
        const auto row = [](const char* title, const GgufBytes& file, const QStringList& says) {
            QTest::newRow(title) << QByteArray::fromStdString(file.bytes) << says;
        };
        row("no tokenizer", GgufBytes(0, 0), {"\"tokenizer.ggml.model\" is missing"});
        row("SentencePiece", GgufBytes(0, 1).text("tokenizer.ggml.model", "llama"),
            {"tokenizer.ggml.model", "\"llama\"", "Hugging Face"});
        row("no vocabulary", GgufBytes(0, 1).text("tokenizer.ggml.model", "gpt2"),
            {"\"tokenizer.ggml.tokens\" is missing"});
        row("empty vocabulary",
            GgufBytes(0, 2).text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {}),
            {"tokenizer.ggml.tokens", "is empty"});
        row("vocabulary of numbers",
            GgufBytes(0, 2).text("tokenizer.ggml.model", "gpt2").integers("tokenizer.ggml.tokens", {1}),
            {"tokenizer.ggml.tokens", "an array of whole numbers", "an array of texts"});
        row("unknown pre-tokenizer", bytePairs(4, "tekken"),
            {"tokenizer.ggml.pre", "\"tekken\"", "smollm, llama-bpe"});
        row("types of another length", bytePairs(5, "smollm").integers("tokenizer.ggml.token_type", {1, 1}),
            {"tokenizer.ggml.token_type", "2 entries, expected 6"});
        row("id beyond the vocabulary", bytePairs(5, "smollm").integer("tokenizer.ggml.bos_token_id", 6),
            {"tokenizer.ggml.bos_token_id", "is 6", "below 6"});
        row("no merges",
            GgufBytes(0, 2).text("tokenizer.ggml.model", "gpt2").texts("tokenizer.ggml.tokens", {"a"}),
            {"\"tokenizer.ggml.merges\" is missing"});
        row("no [CLS]",
            GgufBytes(0, 2).text("tokenizer.ggml.model", "bert").texts("tokenizer.ggml.tokens", {"▁a"}),
            {"tokenizer.ggml.tokens", "[CLS]"});
    }

    void refusesATokenizerThatItCannotDescribe() {
        QFETCH(QByteArray, bytes);
        QFETCH(QStringList, says);
        const auto file = readBytes(bytes.toStdString());
        const auto sentence = QString::fromStdString(test::failure([&] { file->tokenizerSpec(); }));
        for (const auto& part : says + QStringList{"model.gguf: "})
            QVERIFY2(sentence.contains(part), qPrintable("\"" + part + "\" expected in: " + sentence));
    }

    void readsARealModel() {
        const auto path = std::filesystem::path(KURTOSCOPE_MODELS_DIR) / "SmolLM2-135M-Instruct.Q4_1.gguf";
        if (!std::filesystem::exists(path)) QSKIP("SmolLM2-135M-Instruct has not been fetched");
        const auto file = GgufFile::open(path);
        QCOMPARE(file->tensors().size(), std::size_t{272});
        QCOMPARE(file->text("general.architecture"), std::string("llama"));
        QCOMPARE(file->integer("llama.block_count"), std::int64_t{30});
        QCOMPARE(file->number("llama.rope.freq_base"), 100000.0);
        QCOMPARE(file->find("token_embd.weight")->shape, (std::vector<std::int64_t>{49152, 576}));
        QVERIFY(file->find("token_embd.weight")->type == StoredType::Q8_0);
        QCOMPARE(file->find("blk.0.ffn_down.weight")->shape, (std::vector<std::int64_t>{576, 1536}));
        std::int64_t parameters = 0;
        for (const auto& tensor : file->tensors())
            parameters += tensor.elements();
        QCOMPARE(parameters, std::int64_t{134515008});
        const auto spec = file->tokenizerSpec();
        QCOMPARE(spec.pattern, std::string("smollm"));
        QCOMPARE(spec.tokens.size(), std::size_t{49152});
        QCOMPARE(spec.merges.size(), std::size_t{48900});
        QCOMPARE(spec.tokens[1], std::string("<|im_start|>"));
        QVERIFY(spec.special[1] && !spec.addBegin);
    }
};

QTEST_APPLESS_MAIN(GgufTest)
#include "test_gguf.moc"
