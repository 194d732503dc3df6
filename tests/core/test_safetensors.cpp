// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/mapped_file.h"
#include "core/model/tensor_file.h"
#include "tests/support/failure.h"
#include "tests/support/safetensors_bytes.h"

#include <QTemporaryDir>
#include <QtTest>

#include <fstream>
#include <unistd.h>

using namespace kurtoscope;
using kurtoscope::test::safetensorsBytes;

namespace {

std::shared_ptr<const TensorFile> readBytes(const std::string& bytes,
                                            const char* name = "model.safetensors") {
    return TensorFile::readSafetensors(MappedFile::fromBytes(test::asBytes(bytes), name));
}

std::vector<float> floatsOf(const StoredTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    dequantize(tensor, values);
    return values;
}

} // namespace

class SafetensorsTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        folder_ = std::make_unique<QTemporaryDir>();
        QVERIFY(folder_->isValid());
    }

    void readsNamesShapesAndValues() {
        const float b[] = {1.5F, -2, 0.25F, 8};
        std::string data(reinterpret_cast<const char*>(b), sizeof b);
        data += std::string("\x00\x3C", 2); // 1.0 as a half
        const auto file = readBytes(safetensorsBytes(R"({"__metadata__":{"format":"pt"},
                "z.scalar":{"dtype":"F16","shape":[],"data_offsets":[16,18]},
                "b":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
                "a.empty":{"dtype":"F32","shape":[0,3],"data_offsets":[16,16]}})",
                                                     data));
        QCOMPARE(file->tensors().size(), std::size_t{3});
        QCOMPARE(file->tensors()[0].name, std::string("a.empty"));
        QCOMPARE(file->tensors()[2].name, std::string("z.scalar"));
        QCOMPARE(file->tensors()[0].elements(), std::int64_t{0});
        QVERIFY(floatsOf(file->tensors()[0]).empty());
        QCOMPARE(file->find("b")->shape, (std::vector<std::int64_t>{2, 2}));
        QCOMPARE(floatsOf(*file->find("b")), std::vector<float>(b, b + 4));
        QVERIFY(file->find("z.scalar")->shape.empty());
        QCOMPARE(floatsOf(*file->find("z.scalar")), std::vector<float>{1});
        QVERIFY(!file->find("c"));
        QVERIFY(!file->find(""));
    }

    void takesAHeaderWithoutTensors() {
        QVERIFY(readBytes(safetensorsBytes("{}", ""))->tensors().empty());
        QVERIFY(readBytes(safetensorsBytes("{}      ", ""))->tensors().empty()); // padded, as writers do
    }

    void readsATensorThatIsNotAligned() {
        const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
            "b":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}})";
        const double value = -1234.5;
        const auto file = readBytes(
            safetensorsBytes(header, "\x07" + std::string(reinterpret_cast<const char*>(&value), 8)));
        QCOMPARE(floatsOf(*file->find("a")), std::vector<float>{7});
        QCOMPARE(floatsOf(*file->find("b")), std::vector<float>{-1234.5F});
    }

    void refusesDamage_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QStringList>("says");
        const auto row = [](const char* title, const std::string& bytes, const QStringList& says) {
            QTest::newRow(title) << QByteArray::fromStdString(bytes) << says;
        };
        const auto entry = [](const char* name, const char* dtype, const char* shape, const char* offsets) {
            return std::string("\"") + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                   ",\"data_offsets\":" + offsets + "}";
        };
        const auto file = [](const std::string& entries, std::size_t bytes) {
            return safetensorsBytes("{" + entries + "}", std::string(bytes, '\1'));
        };
        const std::string good = entry("w", "\"F32\"", "[2]", "[0,8]");

        row("shorter than its length field", "abc", {"3 bytes", "at least 8"});
        row("only a length", std::string(8, '\0'), {"not a safetensors file"});
        row("another format", "PNGF and more than eight bytes", {"not a safetensors file", "{"});
        row("a GGUF", "GGUF and more than eight bytes", {"this is a GGUF file", "Rename it"});
        row("header longer than the file", safetensorsBytes("{}", "", 900),
            {"900 bytes", "only 2 bytes follow"});
        row("header longer than anything", safetensorsBytes("{}", "", ~0ULL),
            {"18446744073709551615", "at most"});
        row("header cut", safetensorsBytes(R"({"w":{"dtype")", ""), {"not valid JSON"});
        std::string nested;
        for (int i = 0; i < 100'000; ++i)
            nested += "{\"a\":";
        row("header nested without end", safetensorsBytes(nested, ""), {"nested more than 16 deep"});
        row("a number beyond all", safetensorsBytes("{\"w\":1e999}", ""), {"a number that is too large"});
        row("header is no UTF-8", safetensorsBytes("{\"\xFF\":1}", ""), {"not valid JSON"});
        row("data cut", file(good, 7), {"\"w\"", "byte 8", "only 7", "cut short"});
        row("bytes after the last tensor", file(good, 9), {"take 8 bytes", "9 follow"});
        row("overlap", file(good + "," + entry("v", "\"F32\"", "[2]", "[4,12]"), 12),
            {"\"v\"", "overlaps \"w\""});
        row("gap", file(good + "," + entry("v", "\"F32\"", "[2]", "[12,20]"), 20), {"\"v\"", "expected 8"});
        row("end before begin", file(entry("w", "\"F32\"", "[2]", "[8,0]"), 8),
            {"\"w\"", "before it begins"});
        row("unknown dtype", file(entry("w", "\"F8_E8M0\"", "[8]", "[0,8]"), 8),
            {"\"w\"", "F8_E8M0", "BF16"});
        row("a dtype of blocks", file(entry("w", "\"Q8_0\"", "[32]", "[0,34]"), 34), {"\"w\"", "Q8_0"});
        row("dtype not a name", file(entry("w", "4", "[2]", "[0,8]"), 8), {"\"w\"", "dtype", "4"});
        row("shape against bytes", file(entry("w", "\"F32\"", "[3]", "[0,8]"), 8),
            {"\"w\"", "8 bytes", "[3] takes 12"});
        row("negative size", file(entry("w", "\"F32\"", "[-2]", "[0,8]"), 8), {"\"w\"", "shape"});
        row("size not whole", file(entry("w", "\"F32\"", "[2.0]", "[0,8]"), 8), {"\"w\"", "shape"});
        row("shape not a list", file(entry("w", "\"F32\"", "2", "[0,8]"), 8), {"\"w\"", "shape"});
        row("product overflows", file(entry("w", "\"F32\"", "[4294967296,4294967296]", "[0,8]"), 8),
            {"\"w\"", "63 bits"});
        row("bytes overflow", file(entry("w", "\"F32\"", "[4611686018427387904]", "[0,8]"), 8),
            {"\"w\"", "63 bits"});
        row("size beyond 63 bits", file(entry("w", "\"F32\"", "[18446744073709551615]", "[0,8]"), 8),
            {"\"w\"", "shape"});
        row("one offset", file(entry("w", "\"F32\"", "[2]", "[0]"), 8), {"\"w\"", "data_offsets"});
        row("negative offset", file(entry("w", "\"F32\"", "[2]", "[-8,0]"), 8), {"\"w\"", "data_offsets"});
        row("no dtype", file(R"("w":{"shape":[2],"data_offsets":[0,8]})", 8), {"\"w\"", "has no \"dtype\""});
        row("no shape", file(R"("w":{"dtype":"F32","data_offsets":[0,8]})", 8),
            {"\"w\"", "has no \"shape\""});
        row("no offsets", file(R"("w":{"dtype":"F32","shape":[2]})", 8),
            {"\"w\"", "has no \"data_offsets\""});
        row("entry not an object", file(R"("w":7)", 8), {"\"w\"", "has no \"dtype\""});
        row("tensor named twice", file(good + "," + good, 8), {"\"w\" twice"});
        row("key named twice",
            file(R"("w":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]})", 8),
            {"\"dtype\" twice"});
        row("a zip, as torch.save writes", "PK\x03\x04" + std::string(40, '\0'),
            {"pickle", "Convert it to safetensors: "});
        row("a pickle", "\x80\x02}q" + std::string(40, '\0'), {"pickle", "Convert it to safetensors: "});
    }

    void refusesDamage() {
        QFETCH(QByteArray, bytes);
        QFETCH(QStringList, says);
        const auto sentence = QString::fromStdString(test::failure([&] { readBytes(bytes.toStdString()); }));
        QVERIFY2(sentence.startsWith("model.safetensors: "), qPrintable(sentence));
        for (const auto& part : says)
            QVERIFY2(sentence.contains(part), qPrintable("\"" + part + "\" expected in: " + sentence));
        QVERIFY2(sentence.endsWith('.') && !sentence.contains('\n'), qPrintable(sentence));
    }

    // Cutting a whole file anywhere must be noticed.
    void refusesEveryTruncation() {
        const auto whole = safetensorsBytes(R"({"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},)"
                                            R"("b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})",
                                            std::string(11, '\1'));
        QCOMPARE(readBytes(whole)->tensors().size(), std::size_t{2});
        for (std::size_t length = 1; length < whole.size(); ++length)
            QVERIFY2(test::failure([&] { readBytes(whole.substr(0, length)); }) != "no error",
                     qPrintable(QString::number(length)));
    }

    void refusesWhatIsNoFile() {
        const auto open = [](const std::filesystem::path& path) {
            return QString::fromStdString(test::failure([&] { TensorFile::openSafetensors(path); }));
        };
        QVERIFY(open(at("missing.safetensors")).contains("does not exist"));
        QVERIFY(open(at("")).contains("folder"));
        write("empty.safetensors", "");
        QVERIFY(open(at("empty.safetensors")).contains("empty (0 bytes)"));
        QVERIFY(open("/dev/null").contains("regular file"));
        write("secret.safetensors", "{}");
        std::filesystem::permissions(at("secret.safetensors"), std::filesystem::perms::none);
        if (::geteuid() != 0) QVERIFY(open(at("secret.safetensors")).contains("cannot be read"));
        // A name that promises a pickle is enough.
        write("pytorch_model.bin", "anything");
        QVERIFY(open(at("pytorch_model.bin")).contains("torch.load('pytorch_model.bin'"));
    }

    void readsShards() {
        writeShard("model-1.safetensors", "a", 1);
        writeShard("model-2.safetensors", "b", 2);
        write(
            "model.safetensors.index.json",
            R"({"metadata":{"total_size":8},"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}})");
        const auto file = TensorFile::openShards(at("model.safetensors.index.json"));
        QCOMPARE(file->tensors().size(), std::size_t{2});
        QCOMPARE(floatsOf(*file->find("a")), std::vector<float>{1});
        QCOMPARE(floatsOf(*file->find("b")), std::vector<float>{2});
        QCOMPARE(static_cast<std::uint64_t>(file->fileBytes()),
                 std::filesystem::file_size(at("model-1.safetensors")) +
                     std::filesystem::file_size(at("model-2.safetensors")));
    }

    void refusesDamagedShards_data() {
        QTest::addColumn<QString>("index");
        QTest::addColumn<QStringList>("says");
        QTest::newRow("missing shard")
            << R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})"
            << QStringList{"\"two.safetensors\" is missing", "1 of 2 tensors", "Download it"};
        QTest::newRow("tensor not in its shard")
            << R"({"weight_map":{"a":"one.safetensors","c":"one.safetensors"}})"
            << QStringList{"one.safetensors: ", "\"c\" is missing", "index.json names it"};
        QTest::newRow("damaged shard")
            << R"({"weight_map":{"a":"cut.safetensors"}})" << QStringList{"cut.safetensors: ", "cut short"};
        QTest::newRow("tensor twice") << R"({"weight_map":{"a":"one.safetensors","a":"one.safetensors"}})"
                                      << QStringList{"\"a\" twice"};
        QTest::newRow("no map") << R"({"metadata":{}})" << QStringList{"weight_map"};
        QTest::newRow("empty map") << R"({"weight_map":{}})" << QStringList{"weight_map"};
        QTest::newRow("not an object") << "[1]" << QStringList{"weight_map"};
        QTest::newRow("not JSON") << "{" << QStringList{"not valid JSON"};
        QTest::newRow("a number beyond all") << "{\"a\":-1e999}" << QStringList{"a number that is too large"};
        QTest::newRow("not a file name")
            << R"({"weight_map":{"a":3}})" << QStringList{"no file name for \"a\""};
        QTest::newRow("out of the folder") << R"({"weight_map":{"a":"../one.safetensors"}})"
                                           << QStringList{"\"../one.safetensors\"", "beside the index"};
        QTest::newRow("the parent") << R"({"weight_map":{"a":".."}})" << QStringList{"beside the index"};
        QTest::newRow("pickles") << R"({"weight_map":{"a":"pytorch_model-1.bin"}})"
                                 << QStringList{"pickle", "Convert it to safetensors: "};
    }

    void refusesDamagedShards() {
        QFETCH(QString, index);
        QFETCH(QStringList, says);
        writeShard("one.safetensors", "a", 1);
        writeShard("cut.safetensors", "a", 1);
        std::filesystem::resize_file(at("cut.safetensors"),
                                     std::filesystem::file_size(at("cut.safetensors")) - 1);
        write("index.json", index.toStdString());
        const auto sentence =
            QString::fromStdString(test::failure([&] { TensorFile::openShards(at("index.json")); }));
        for (const auto& part : says)
            QVERIFY2(sentence.contains(part), qPrintable("\"" + part + "\" expected in: " + sentence));
    }

    void readsARealModel() {
        const auto path =
            std::filesystem::path(KURTOSCOPE_MODELS_DIR) / "all-MiniLM-L6-v2" / "model.safetensors";
        if (!std::filesystem::exists(path)) QSKIP("all-MiniLM-L6-v2 has not been fetched");
        const auto file = TensorFile::openSafetensors(path);
        QCOMPARE(file->fileBytes(), static_cast<std::int64_t>(std::filesystem::file_size(path)));
        const auto* embedding = file->find("embeddings.word_embeddings.weight");
        QVERIFY(embedding);
        QCOMPARE(embedding->shape, (std::vector<std::int64_t>{30522, 384}));
        std::int64_t parameters = 0;
        for (const auto& tensor : file->tensors())
            if (tensor.type == StoredType::F32) parameters += tensor.elements();
        QCOMPARE(parameters, std::int64_t{22713216});
    }

private:
    std::filesystem::path at(const std::string& name) const {
        return std::filesystem::path(folder_->path().toStdString()) / name;
    }
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(at(name), std::ios::binary) << bytes;
    }
    void writeShard(const std::string& name, const std::string& tensor, float value) const {
        write(name, safetensorsBytes("{\"" + tensor +
                                         "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                                     std::string(reinterpret_cast<const char*>(&value), 4)));
    }

    std::unique_ptr<QTemporaryDir> folder_;
};

QTEST_APPLESS_MAIN(SafetensorsTest)
#include "test_safetensors.moc"
