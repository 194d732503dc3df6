// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gguf.h"
#include "core/model/tensor_file.h"
#include "tests/support/failure.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace kurtoscope;

namespace {

template <class T>
std::vector<std::byte> bytesOf(const std::vector<T>& values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

StoredTensor tensorOf(StoredType type, std::vector<std::int64_t> shape, std::span<const std::byte> bytes) {
    return {"w", type, std::move(shape), bytes};
}

std::vector<float> dequantized(const StoredTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    dequantize(tensor, values);
    return values;
}

// Equal bits, so that −0 is not 0; any NaN equals any other.
bool same(float a, float b) {
    return (std::isnan(a) && std::isnan(b)) ||
           std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// What IEEE 754 says that a half is.
float halfByDefinition(std::uint16_t half) {
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    float magnitude = 0;
    if (exponent == 31)
        magnitude =
            mantissa ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    else
        magnitude = exponent ? std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25)
                             : std::ldexp(static_cast<float>(mantissa), -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

const std::vector<StoredType> goldenTypes = {StoredType::F16,  StoredType::BF16, StoredType::Q8_0,
                                             StoredType::Q4_0, StoredType::Q4_1, StoredType::Q5_0,
                                             StoredType::Q5_1, StoredType::Q2_K, StoredType::Q3_K,
                                             StoredType::Q4_K, StoredType::Q5_K, StoredType::Q6_K};

} // namespace

class DequantizeTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        golden_ = TensorFile::openSafetensors(KURTOSCOPE_TESTS_DIR "/golden/dequantize.safetensors");
    }

    void equalsTheReference_data() {
        QTest::addColumn<int>("type");
        for (const auto type : goldenTypes)
            QTest::newRow(storedTypeName(type)) << static_cast<int>(type);
    }

    void equalsTheReference() {
        QFETCH(int, type);
        const auto stored = static_cast<StoredType>(type);
        const std::string name = storedTypeName(stored);
        const auto* blocks = golden_->find(name + ".blocks");
        const auto* values = golden_->find(name + ".values");
        QVERIFY(blocks && values);
        const auto expected = dequantized(*values);
        const auto got =
            dequantized(tensorOf(stored, {static_cast<std::int64_t>(expected.size())}, blocks->bytes));
        int finite = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            QVERIFY2(same(got[i], expected[i]),
                     qPrintable(QString("value %1: got %2, expected %3")
                                    .arg(i)
                                    .arg(static_cast<double>(got[i]), 0, 'g', 9)
                                    .arg(static_cast<double>(expected[i]), 0, 'g', 9)));
            finite += std::isfinite(expected[i]) && expected[i] != 0;
        }
        QVERIFY(finite > 100); // the golden file is not all zeros and infinities
    }

    // Rows must begin at the right block, whatever was before.
    void readsRowsOfBlocks_data() { equalsTheReference_data(); }

    void readsRowsOfBlocks() {
        QFETCH(int, type);
        const auto stored = static_cast<StoredType>(type);
        const auto* blocks = golden_->find(std::string(storedTypeName(stored)) + ".blocks");
        const auto whole = dequantized(*golden_->find(std::string(storedTypeName(stored)) + ".values"));
        const bool wide = whole.size() % 5 == 0 && whole.size() / 5 % 256 == 0;
        const std::int64_t columns = wide ? 256 : 64; // one K block, two plain blocks
        const auto rows = static_cast<std::int64_t>(whole.size()) / columns;
        const auto tensor = tensorOf(stored, {rows, columns}, blocks->bytes);
        for (std::int64_t first = 0; first < rows; ++first) {
            const std::int64_t count = rows - first - (first == 0 ? 1 : 0);
            std::vector<float> out(static_cast<std::size_t>(count * columns));
            dequantizeRows(tensor, first, count, out);
            for (std::size_t i = 0; i < out.size(); ++i)
                QVERIFY(same(out[i], whole[static_cast<std::size_t>(first * columns) + i]));
        }
        dequantizeRows(tensor, rows, 0, {});
    }

    void widensEveryHalf() {
        std::vector<std::uint16_t> halves(65536);
        for (std::size_t i = 0; i < halves.size(); ++i)
            halves[i] = static_cast<std::uint16_t>(i);
        const auto bytes = bytesOf(halves);
        const auto got = dequantized(tensorOf(StoredType::F16, {65536}, bytes));
        for (std::size_t i = 0; i < halves.size(); ++i)
            QVERIFY2(same(got[i], halfByDefinition(halves[i])), qPrintable(QString::number(i, 16)));
    }

    void convertsPlainTypes() {
        const auto check = [](StoredType type, const auto& values, const std::vector<float>& expected) {
            const auto bytes = bytesOf(values);
            const auto got = dequantized(tensorOf(type, {static_cast<std::int64_t>(values.size())}, bytes));
            QCOMPARE(got, expected);
        };
        constexpr float infinity = std::numeric_limits<float>::infinity();
        check(StoredType::F64, std::vector<double>{0.1, -2, 1e300}, {0.1F, -2, infinity});
        check(StoredType::F32, std::vector<float>{0.1F, -infinity}, {0.1F, -infinity});
        check(StoredType::I64, std::vector<std::int64_t>{-5, 1LL << 40}, {-5, 0x1p40F});
        check(StoredType::I32, std::vector<std::int32_t>{-5, 1 << 30}, {-5, 0x1p30F});
        check(StoredType::I16, std::vector<std::int16_t>{-300, 300}, {-300, 300});
        check(StoredType::I8, std::vector<std::int8_t>{-128, 127}, {-128, 127});
        check(StoredType::U8, std::vector<std::uint8_t>{0, 255}, {0, 255});
        check(StoredType::BOOL, std::vector<std::uint8_t>{0, 1, 7}, {0, 1, 1});
    }

    void refusesWrongSizes_data() {
        QTest::addColumn<QString>("act");
        QTest::addColumn<QString>("says");
        QTest::newRow("output too small") << "small"
                                          << "room for 64 values expected, got 63";
        QTest::newRow("output too large") << "large"
                                          << "room for 64 values expected, got 65";
        QTest::newRow("bytes too few") << "bytes"
                                       << "Q8_0 [2, 32] takes 68 bytes, got 67";
        QTest::newRow("rows not whole blocks") << "blocks"
                                               << "whole blocks of 32";
        QTest::newRow("rows beyond the end") << "beyond"
                                             << "got a tensor of 2 rows";
        QTest::newRow("negative row") << "negative"
                                      << "got a tensor of 2 rows";
        QTest::newRow("count wraps around") << "wraps"
                                            << "got a tensor of 2 rows";
        QTest::newRow("rows of a vector") << "vector"
                                          << "expected two dimensions, got Q8_0 [64]";
        QTest::newRow("rows into too little") << "rows"
                                              << "room for 32 values expected, got 31";
    }

    void refusesWrongSizes() {
        QFETCH(QString, act);
        QFETCH(QString, says);
        const std::vector<std::byte> bytes(68);
        const auto tensor = tensorOf(StoredType::Q8_0, {2, 32}, bytes);
        std::vector<float> out(65);
        const std::span<float> room(out);
        constexpr auto most = std::numeric_limits<std::int64_t>::max();
        const std::map<QString, std::function<void()>> acts = {
            {"small", [&] { dequantize(tensor, room.first(63)); }},
            {"large", [&] { dequantize(tensor, room); }},
            {"bytes",
             [&] {
                 dequantize(tensorOf(StoredType::Q8_0, {2, 32}, std::span(bytes).first(67)), room.first(64));
             }},
            {"blocks",
             [&] {
                 dequantize(tensorOf(StoredType::Q8_0, {4, 16}, bytes), room.first(64));
             }},
            {"beyond", [&] { dequantizeRows(tensor, 1, 2, room.first(64)); }},
            {"negative", [&] { dequantizeRows(tensor, -1, 1, room.first(32)); }},
            {"wraps", [&] { dequantizeRows(tensor, 1, most, room.first(32)); }},
            {"vector",
             [&] { dequantizeRows(tensorOf(StoredType::Q8_0, {64}, bytes), 0, 1, room.first(32)); }},
            {"rows", [&] { dequantizeRows(tensor, 0, 1, room.first(31)); }},
        };
        const auto sentence = QString::fromStdString(test::failure(acts.at(act)));
        QVERIFY2(sentence.contains(says), qPrintable(sentence));
        QVERIFY2(sentence.startsWith("w: "), qPrintable(sentence));
    }

    // All 135 million parameters against the sums that the reference's bits give.
    void equalsTheReferenceOnARealModel() {
        const auto path = std::filesystem::path(KURTOSCOPE_MODELS_DIR) / "SmolLM2-135M-Instruct.Q4_1.gguf";
        if (!std::filesystem::exists(path)) QSKIP("SmolLM2-135M-Instruct has not been fetched");
        QFile json(KURTOSCOPE_TESTS_DIR "/golden/smollm2_dequantized.json");
        QVERIFY(json.open(QIODevice::ReadOnly));
        const auto golden = QJsonDocument::fromJson(json.readAll()).object();
        struct Sums {
            std::uint64_t tensors = 0, elements = 0, sum = 0, weighted = 0;
        };
        std::map<std::string, Sums> sums;
        const auto file = GgufFile::open(path);
        for (const auto& tensor : file->tensors()) { // sorted by name, as the golden script sorts them
            auto& of = sums[storedTypeName(tensor.type)];
            const auto values = dequantized(tensor);
            for (const float value : values) {
                const std::uint64_t bits = std::bit_cast<std::uint32_t>(value);
                of.sum += bits;
                of.weighted += bits * ++of.elements;
            }
            ++of.tensors;
        }
        QCOMPARE(static_cast<qsizetype>(sums.size()), golden.size());
        for (const auto& [type, of] : sums) {
            const auto expected = golden[QString::fromStdString(type)].toObject();
            QCOMPARE(of.tensors, static_cast<std::uint64_t>(expected["tensors"].toInteger()));
            QCOMPARE(of.elements, static_cast<std::uint64_t>(expected["elements"].toInteger()));
            const auto sample = expected["sample"].toObject();
            const auto values = dequantized(*file->find(sample["tensor"].toString().toStdString()));
            const auto first = sample["values"].toArray();
            for (qsizetype i = 0; i < first.size(); ++i)
                QCOMPARE(static_cast<double>(values[static_cast<std::size_t>(i)]), first[i].toDouble());
            QCOMPARE(of.sum, expected["sum"].toString().toULongLong());
            QCOMPARE(of.weighted, expected["weighted"].toString().toULongLong());
        }
    }

private:
    std::shared_ptr<const TensorFile> golden_;
};

QTEST_APPLESS_MAIN(DequantizeTest)
#include "test_dequantize.moc"
