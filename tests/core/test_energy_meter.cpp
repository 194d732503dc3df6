// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/energy_meter.h"
#include "core/base/memory.h"

#include <QtTest>

using namespace kurtoscope;

namespace {

void write(const QString& file, const QByteArray& text) {
    QVERIFY(QDir().mkpath(QFileInfo(file).absolutePath()));
    QFile out(file);
    QVERIFY(out.open(QIODevice::WriteOnly));
    out.write(text);
}

} // namespace

class TestEnergyMeter : public QObject {
    Q_OBJECT
private slots:
    void addsPackagesUp() {
        QTemporaryDir root;
        const auto set = [&](const QString& zone, const char* name, const QByteArray& energy) {
            write(root.filePath(zone + "/name"), QByteArray(name) + "\n");
            write(root.filePath(zone + "/energy_uj"), energy + "\n");
            write(root.filePath(zone + "/max_energy_range_uj"), "1000000000\n");
        };
        set("intel-rapl:0", "package-0", "5000000");
        set("intel-rapl:1", "package-1", "999000000");
        set("intel-rapl:0:0", "core", "7000000"); // part of the first
        set("intel-rapl:2", "psys", "9000000");   // holds both packages
        EnergyMeter meter(false, root.path().toStdString());
        QCOMPARE(meter.source(), std::string("RAPL package-0 + package-1"));
        QCOMPARE(meter.joules().value(), 0.0);
        set("intel-rapl:0", "package-0", "6500000");
        set("intel-rapl:0:0", "core", "8000000");
        QCOMPARE(meter.joules().value(), 1.5);
        set("intel-rapl:1", "package-1", "2000000"); // began again at 1,000 J
        QCOMPARE(meter.joules().value(), 4.5);
    }

    void tellsNothingWhereNothingTells() {
        QTemporaryDir root;
        EnergyMeter none(false, root.filePath("nowhere").toStdString());
        QVERIFY(!none.joules());
        QVERIFY(none.source().find("no energy counters") != std::string::npos);
        write(root.filePath("intel-rapl:0/name"),
              "package-0\n"); // as on most systems: there, but not to be read
        EnergyMeter refused(false, root.path().toStdString());
        QVERIFY(!refused.joules());
        QVERIFY(refused.source().find("root") != std::string::npos);
        EnergyMeter gpu(true, root.path().toStdString());
        if (!QFileInfo::exists("/dev/nvidiactl")) QVERIFY(!gpu.joules());
    }

    void aPeakIsForgotten() {
        const std::int64_t before = residentBytes();
        QVERIFY(before > 0 && availableBytes() > 0);
        if (!forgetPeak()) QSKIP("this kernel keeps peaks to itself");
#ifdef __SANITIZE_ADDRESS__
        QSKIP("the address sanitizer keeps freed memory for a while");
#endif
        {
            const std::vector<char> large(std::size_t{200} << 20, 1);
            QVERIFY(large.back() == 1 && peakResidentBytes() > before + 150'000'000);
        }
        QVERIFY(forgetPeak());
        QVERIFY(peakResidentBytes() < before + 100'000'000);
    }
};

QTEST_APPLESS_MAIN(TestEnergyMeter)
#include "test_energy_meter.moc"
