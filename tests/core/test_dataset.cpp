// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/evaluation/dataset.h"
#include "tests/support/failure.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace kurtoscope;
using test::failure;

namespace {

using Rows = std::vector<TableRow>;
using Labels = std::vector<std::string>;

constexpr const char* sharedData = KURTOSCOPE_SOURCE_DIR "/../shared/data/";

} // namespace

class TestDataset : public QObject {
    Q_OBJECT
private slots:
    void detects_data();
    void detects();
    void readsClassifications_data();
    void readsClassifications();
    void readsSimilarities_data();
    void readsSimilarities();
    void readsTextWhole();
    void badFilesNameTheLine_data();
    void badFilesNameTheLine();
    void longFilesAreReadInOneSweep();
    void sharedFiles_data();
    void sharedFiles();

private:
    std::string write(const QString& name, const QByteArray& bytes) const {
        const std::string path = folder_.filePath(name).toStdString();
        writeFileAtomically(path, bytes.toStdString());
        return path;
    }
    QTemporaryDir folder_;
};

void TestDataset::detects_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("kind");
    QTest::addColumn<QString>("reason");
    const auto row = [](const char* title, const char* name, const char* bytes, DataKind kind,
                        const char* reason) {
        QTest::newRow(title) << QString(name) << QByteArray(bytes) << static_cast<int>(kind)
                             << QString(reason);
    };
    row("text", "a.txt", "1\tgood\n0\tbad\n", DataKind::text, ".txt");
    row("text in capitals", "A.TXT", "words", DataKind::text, ".txt");
    row("prose without a name", "notes", "Hello, world.\nMore, of it.\n", DataKind::text, "neither");
    row("label first", "a.tsv", "1\tgood film\n0\tbad film\n", DataKind::classification, "two columns");
    row("comma", "a.csv", "good film,1\nbad film,0\n", DataKind::classification, "two columns");
    row("header", "a.csv", "id,text,label\n7,good film,1\n8,bad film,0\n", DataKind::classification,
        "header");
    row("STS-B", "s.csv", "g\tf\ty\t01\t2.5\tone, two\tthree\n", DataKind::similarity, "STS-B");
    row("three columns", "s.tsv", "a b\tc d\t2.5\ne f\tg\t1\n", DataKind::similarity, "three columns");
    row("GLUE header", "s.tsv", "index\tsentence1\tsentence2\tscore\n0\ta b\tc d\t2.5\n",
        DataKind::similarity, "header");
    row("prose in a table's name", "p.csv", "Once upon a time.\nThe end.\n", DataKind::text,
        "neither a classification");
}

void TestDataset::detects() {
    QFETCH(QString, name);
    QFETCH(QByteArray, bytes);
    QFETCH(QString, reason);
    const DetectedKind detected = detectKind(write(name, bytes));
    QTEST(static_cast<int>(detected.kind), "kind");
    QVERIFY2(QString::fromStdString(detected.reason).contains(reason), detected.reason.c_str());
}

void TestDataset::readsClassifications_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<Rows>("rows");
    QTest::addColumn<Labels>("labels");
    const Rows two{{"good film", "", 0, 1}, {"bad film", "", 0, 0}};
    const Labels numbers{"0", "1"};
    QTest::newRow("label first") << QByteArray("1\tgood film\n0\tbad film\n") << two << numbers;
    QTest::newRow("label last") << QByteArray("good film\t1\nbad film\t0\n") << two << numbers;
    QTest::newRow("CRLF, blank lines, no last newline")
        << QByteArray("1\tgood film\r\n\r\n0\tbad film") << two << numbers;
    QTest::newRow("byte order mark") << QByteArray("\xEF\xBB\xBF"
                                                   "1\tgood film\n0\tbad film\n")
                                     << two << numbers;
    QTest::newRow("named header") << QByteArray("Sentence\tLabel\ngood film\t1\nbad film\t0\n") << two
                                  << numbers;
    QTest::newRow("more columns") << QByteArray("id,label,text,by\n4,1,good film,x\n5,0,bad film,y\n") << two
                                  << numbers;
    QTest::newRow("unknown header above numbers")
        << QByteArray("what\thow\ngood film\t1\nbad film\t0\n") << two << numbers;
    QTest::newRow("words") << QByteArray("positive\tgood film\nnegative\tbad film\n") << two
                           << Labels{"negative", "positive"};
    QTest::newRow("numbers from 1") << QByteArray("2\tgood film\n1\tbad film\n") << two << Labels{"1", "2"};
    QTest::newRow("signs") << QByteArray("+1\tgood film\n-1\tbad film\n") << two << Labels{"-1", "+1"};
    QTest::newRow("a class that is absent")
        << QByteArray("2\tgood film\n0\tbad film\n") << Rows{{"good film", "", 0, 2}, {"bad film", "", 0, 0}}
        << Labels{"0", "1", "2"};
    QTest::newRow("numbers sort by size")
        << QByteArray("10\tgood film\n9\tbad film\n") << two << Labels{"9", "10"};
    QTest::newRow("quoted") << QByteArray("\"good, \"\"fine\"\" film\",1\n\"bad\nfilm\",0\n")
                            << Rows{{"good, \"fine\" film", "", 0, 1}, {"bad\nfilm", "", 0, 0}} << numbers;
    QTest::newRow("raw quotes between tabs")
        << QByteArray("1\t\"good film\n0\tbad \"film\n")
        << Rows{{"\"good film", "", 0, 1}, {"bad \"film", "", 0, 0}} << numbers;
}

void TestDataset::readsClassifications() {
    QFETCH(QByteArray, bytes);
    const Table table = readClassification(write("c.tsv", bytes));
    QTEST(table.labels, "labels");
    QTEST(table.rows, "rows");
}

void TestDataset::readsSimilarities_data() {
    QTest::addColumn<QByteArray>("bytes");
    const QByteArray one = "a cat, asleep", two = "\"no\" dog";
    QTest::newRow("STS-B") << "g\tf\ty\t01\t2.5\t" + one + "\t" + two + "\ng\tf\ty\t02\t0\tx\ty\tsource\n";
    QTest::newRow("header") << "sentence1\tsentence2\tscore\n" + one + "\t" + two + "\t2.5\nx\ty\t0\n";
    QTest::newRow("header, other order")
        << "score\tid\tsentence2\tsentence1\n2.5\t1\t" + two + "\t" + one + "\n0.0\t2\ty\tx\n";
    QTest::newRow("three columns") << one + "\t" + two + "\t 2.50\nx\ty\t0\n";
    QTest::newRow("score first") << "2.5\t" + one + "\t" + two + "\n0\tx\ty\n";
    QTest::newRow("unknown header") << "left\tright\thow alike\n" + one + "\t" + two + "\t2.5\nx\ty\t0\n";
    QTest::newRow("commas") << QByteArray(
        "sentence1,sentence2,score\n\"a cat, asleep\",\"\"\"no\"\" dog\",2.5\nx,y,0\n");
}

void TestDataset::readsSimilarities() {
    QFETCH(QByteArray, bytes);
    const Table table = readSimilarity(write("s.csv", bytes));
    QCOMPARE(table.rows, (Rows{{"a cat, asleep", "\"no\" dog", 2.5, 0}, {"x", "y", 0, 0}}));
}

void TestDataset::readsTextWhole() {
    const QByteArray text = " \n = Title = \r\n naïve 日本 🙂\n\n";
    QCOMPARE(QByteArray::fromStdString(readText(write("a.txt", "\xEF\xBB\xBF" + text))), text);
}

void TestDataset::badFilesNameTheLine_data() {
    QTest::addColumn<QByteArray>("read");
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* title, const char* read, const QByteArray& bytes, const char* expected) {
        QTest::newRow(title) << QByteArray(read) << bytes << QByteArray(expected);
    };
    row("empty", "text", "", "the file is empty");
    row("white space", "text", " \n\t\n", "only white space");
    row("binary", "text", QByteArray("GGUF\0\1", 6), "binary file, text was expected: byte 4 is 0");
    row("Latin-1", "text", "ab\nna\xEFve", "line 2: UTF-8 was expected, got 0xEF at byte 5");
    row("overlong", "text", "\xC0\xAF", "got 0xC0 at byte 0");
    row("surrogate", "text", "x\xED\xA0\x80", "got 0xED at byte 1");
    row("cut in a character", "text", "x\xF0\x9F\x99", "got 0xF0 at byte 1");
    row("beyond Unicode", "text", "\xF4\x90\x80\x80", "got 0xF4 at byte 0");
    row("one column", "classification", "good\nbad\n", "line 1: found no column of labels among 1");
    row("three columns, no header", "classification", "a\t1\tx\nb\t0\ty\n",
        "found no column of labels among 3");
    row("no label on a line", "classification", "1\tgood\n0\tbad\n\n0 worse\n",
        "line 4: got 1 columns, expected 2");
    row("empty label", "classification", "label\ttext\n1\tgood\n\tbad\n", "line 3: the label is missing");
    row("empty sentence", "classification", "1\tgood\n0\t\n", "line 2: the sentence is missing");
    row("one class", "classification", "1\tgood\n1\tfine\n", "label \"1\": one class only");
    row("header alone", "classification", "label\ttext\n", "a header and no rows");
    row("comma without quotes", "classification", "1,good\n0,bad, really\n",
        "line 2: got 3 columns, expected 2");
    row("open quote", "classification", "1,good\n0,\"bad\nfilm\n",
        "line 2: a quotation mark is never closed");
    row("binary table", "classification", QByteArray("1\ta\0\n", 5), "binary file");
    row("quotes around nothing", "classification", "\"\"\n", "no rows");
    row("no score", "similarity", "a\tb\t1\nc\td\thigh\n",
        "line 2: a score was expected in column 3, got \"high\"");
    row("score is not finite", "similarity", "a\tb\t1\nc\td\tnan\n", "line 2: a score was expected");
    row("score missing", "similarity", "a\tb\t1\nc\td\n", "line 2: got 2 columns, expected 3");
    row("sentence missing", "similarity", "a\tb\t1\n\td\t2\n", "line 2: a sentence is missing");
    row("two columns", "similarity", "a\tb\nc\td\n",
        "line 1: found no columns of two sentences and a score among 2");
    row("line after quoted lines", "similarity", "sentence1,sentence2,score\n\"a\nb\",c,1\nd,e,x\n",
        "line 4: a score");
}

void TestDataset::badFilesNameTheLine() {
    QFETCH(QByteArray, read);
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, expected);
    const std::string path = write("bad.csv", bytes);
    const std::string sentence = failure([&] {
        if (read == "text") readText(path);
        if (read == "classification") readClassification(path);
        if (read == "similarity") readSimilarity(path);
    });
    QVERIFY2(sentence.starts_with(path), sentence.c_str());
    QVERIFY2(QByteArray::fromStdString(sentence).contains(expected), sentence.c_str());
    QVERIFY(std::count(sentence.begin(), sentence.end(), '\n') == 0);
}

void TestDataset::longFilesAreReadInOneSweep() {
    QByteArray bytes;
    for (int i = 0; i < 100'000; ++i)
        bytes += QByteArray::number(i % 3) + "\tsentence number " + QByteArray::number(i) + "\n";
    const Table table = readClassification(write("long.tsv", bytes));
    QCOMPARE(table.rows.size(), std::size_t{100'000});
    QCOMPARE(table.labels.size(), std::size_t{3});
    QCOMPARE(table.rows.back().label, 99'999 % 3);
}

void TestDataset::sharedFiles_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<int>("kind");
    QTest::addColumn<int>("rows");
    QTest::newRow("SST-2 dev") << "sst2/dev.tsv" << int(DataKind::classification) << 872;
    QTest::newRow("SST-2 train") << "sst2/train.tsv" << int(DataKind::classification) << 6920;
    QTest::newRow("STS-B test") << "stsb/sts-test.csv" << int(DataKind::similarity) << 1379;
    QTest::newRow("STS-B dev") << "stsb/sts-dev.csv" << int(DataKind::similarity) << 1500;
    QTest::newRow("STS-B train") << "stsb/sts-train.csv" << int(DataKind::similarity) << 5749;
    QTest::newRow("WikiText-2") << "wikitext2/test.txt" << int(DataKind::text) << 0;
}

void TestDataset::sharedFiles() {
    QFETCH(QString, file);
    QFETCH(int, kind);
    QFETCH(int, rows);
    const QString path = sharedData + file;
    if (!QFile::exists(path)) QSKIP("the shared evaluation data are not on this machine");
    const std::string name = path.toStdString();
    QCOMPARE(static_cast<int>(detectKind(name).kind), kind);
    if (kind == int(DataKind::text)) QCOMPARE(qint64(readText(name).size()), QFile(path).size());
    if (kind == int(DataKind::classification)) {
        const Table table = readClassification(name);
        QCOMPARE(int(table.rows.size()), rows);
        QCOMPARE(table.labels, (Labels{"0", "1"}));
    }
    if (kind == int(DataKind::similarity)) {
        const Table table = readSimilarity(name);
        QCOMPARE(int(table.rows.size()), rows);
        for (const TableRow& row : table.rows)
            QVERIFY(row.score >= 0 && row.score <= 5);
    }
}

QTEST_APPLESS_MAIN(TestDataset)
#include "test_dataset.moc"
