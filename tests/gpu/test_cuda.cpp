// SPDX-License-Identifier: GPL-3.0-or-later
// The CUDA path against the CPU's, on the bundled model. Skipped where no GPU is.
#include <QTest>

#include "core/base/error.h"
#include "core/workbench.h"

#include <filesystem>

using namespace kurtoscope;

namespace {

const std::string model = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
const std::string text = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama/heldout.txt";

// A GPU without the CUDA library (no toolkit when this was built) counts as none.
bool hasGpu() {
    if (!std::filesystem::exists("/dev/nvidiactl")) return false;
    try {
        WorkbenchOptions options;
        options.device = DeviceKind::cuda;
        const Workbench bench(options);
        return true;
    } catch (const Error&) {
        return false;
    }
}

Workbench opened(DeviceKind device) {
    WorkbenchOptions options;
    options.device = device;
    Workbench bench(options);
    bench.open(model);
    return bench;
}

} // namespace

class TestCuda : public QObject {
    Q_OBJECT

private slots:
    void saysWhatIsMissingWithoutGpu() {
        if (std::filesystem::exists("/dev/nvidiactl")) QSKIP("this machine has a GPU");
        WorkbenchOptions options;
        options.device = DeviceKind::cuda;
        try {
            Workbench bench(options);
            QFAIL("CUDA was taken on a machine without a GPU");
        } catch (const Error& error) {
            QVERIFY(error.message().find("no NVIDIA GPU") != std::string::npos);
            QVERIFY(error.hint().find("--device cpu") != std::string::npos);
        }
    }

    void predictsAsTheCpuDoes_data() {
        QTest::addColumn<QString>("recipe");
        QTest::newRow("fp32") << "fp32";
        QTest::newRow("per-tensor") << "w8a8:dynamic=on";
        QTest::newRow("per-token") << "w8a8:activation=per-token";
        QTest::newRow("asymmetric") << "w8a8:activation=per-token,symmetric=off";
        QTest::newRow("everywhere") << "w8a8:dynamic=on,scope=all-activations";
    }
    void predictsAsTheCpuDoes() {
        if (!hasGpu()) QSKIP("no NVIDIA GPU on this machine");
        QFETCH(QString, recipe);
        Workbench cpu = opened(DeviceKind::cpu), cuda = opened(DeviceKind::cuda);
        const Recipe chosen = Recipe::parse(recipe.toStdString());
        const auto expected = cpu.predict("The harbour master counts the boats.", {}, chosen);
        const auto got = cuda.predict("The harbour master counts the boats.", {}, chosen);
        QCOMPARE(got.logits.size(), expected.logits.size());
        // A value that lies on a rounding boundary may fall to either side: one step of an 8-bit grid, far
        // below what a wrong kernel would do.
        const double tolerance = chosen.scheme == "fp32" ? 2e-4 : 0.25;
        double worst = 0;
        for (std::size_t i = 0; i < expected.logits.size(); ++i)
            worst = std::max(worst, std::abs(double(expected.logits[i]) - double(got.logits[i])));
        QVERIFY2(worst <= tolerance, qPrintable(QString("largest difference %1").arg(worst)));
    }

    void scoresAsTheCpuDoes() {
        if (!hasGpu()) QSKIP("no NVIDIA GPU on this machine");
        Workbench cpu = opened(DeviceKind::cpu), cuda = opened(DeviceKind::cuda);
        EvaluateRequest request;
        request.data.path = text;
        request.data.windows = 4;
        request.latency = false;
        request.recipes = {Recipe::parse("fp32"), Recipe::parse("w8a8:dynamic=on,keep=ratio:20")};
        const auto expected = cpu.evaluate(request), got = cuda.evaluate(request);
        for (std::size_t i = 0; i < got.size(); ++i) {
            QVERIFY(std::abs(got[i].score / expected[i].score - 1) < 1e-3);
            QCOMPARE(got[i].keptChannels, expected[i].keptChannels);
        }
    }
};

QTEST_APPLESS_MAIN(TestCuda)
#include "test_cuda.moc"
