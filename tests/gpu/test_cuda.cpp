// SPDX-License-Identifier: GPL-3.0-or-later
// The CUDA path against the CPU's, on the bundled model. Skipped where no GPU is.
#include <QTest>

#include "core/base/error.h"
#include "core/cuda/torch_cuda.h"
#include "core/workbench.h"

#include <algorithm>
#include <cmath>
#include <dlfcn.h>
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

    // Each kind of product on tensor cores beside its simulation on the same GPU.
    void kernelsAnswerAsSimulated_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<KernelTag>("tag");
        for (const char* recipe :
             {"w8a8", "w8a8:dynamic=on", "w8a8:activation=per-token", "w8a8:symmetric=off",
              "w8a8:dynamic=on,symmetric=off", "w8a8:activation=per-token,symmetric=off,keep=top:3",
              "w8a8:keep=top:40", "smoothquant:activation=per-token", "rotation", "peg:groups=4",
              "peg:groups=6,keep=top:2", "w4a8:weight_group=32"})
            QTest::newRow(recipe) << recipe << KernelTag::integer;
        for (const char* recipe : {"fp8", "fp8:keep=top:2", "fp16", "bf16"})
            QTest::newRow(recipe) << recipe << KernelTag::floating;
    }
    void kernelsAnswerAsSimulated() {
        if (!hasGpu()) QSKIP("no NVIDIA GPU on this machine");
        QFETCH(QString, recipe);
        QFETCH(KernelTag, tag);
        Workbench cuda = opened(DeviceKind::cuda);
        EvaluateRequest request;
        request.data.path = text;
        request.data.task = "fidelity";
        request.data.windows = 3, request.data.calibrationWindows = 3;
        request.latency = false;
        request.recipes = {Recipe::parse(recipe.toStdString()), Recipe::parse(recipe.toStdString())};
        request.kernels = {KernelChoice::automatic, KernelChoice::simulated};
        std::string note;
        request.onNote = [&](const std::string& said) { note = said; };
        // Three of five texts must be clear of values that last bits tip over to the next level; the bounds
        // are those of the same kernels on the processor (tests/core/test_cuda_kernels.cpp).
        const double noise = recipe.startsWith("fp16") ? 1e-4 : 5e-6,
                     bound = recipe.contains("top:40") ? 0.02 : 0.002;
        std::vector<double> apart;
        for (const int length : {24, 32, 40, 48, 56}) {
            request.data.length = length;
            const auto readings = cuda.evaluate(request);
            if (note.find("no E4M3 products") != note.npos) QSKIP(note.c_str());
            QVERIFY2(note.empty(), note.c_str());
            QCOMPARE(readings[0].kernels, tag);
            QCOMPARE(readings[1].kernels, KernelTag::simulated);
            apart.push_back(std::abs(*readings[0].klMean - *readings[1].klMean) /
                            (*readings[1].klMean + noise));
        }
        std::sort(apart.begin(), apart.end());
        QVERIFY2(apart[2] < bound, qPrintable(QString::number(apart[2])));
    }

    void passesArePlayedFromGraphs() {
        if (!hasGpu()) QSKIP("no NVIDIA GPU on this machine");
        Workbench cuda = opened(DeviceKind::cuda);
        BenchRequest request;
        for (const char* recipe : {"fp32", "fp16", "w8a8", "w8a8:dynamic=on", "w8a8:activation=per-token"})
            request.recipes.push_back(Recipe::parse(recipe));
        request.batches = {1, 3}, request.lengths = {16};
        request.runs = 5;
        for (const BenchResult& one : cuda.bench(request).results)
            QVERIFY2(one.graph && one.graphShortfall.empty(), one.graphShortfall.c_str());
    }

    void attentionIsFused() {
        if (!hasGpu()) QSKIP("no NVIDIA GPU on this machine");
        void* library = dlopen("libkurtoscope_cuda.so", RTLD_NOW | RTLD_NOLOAD);
        QVERIFY(library);
        const auto kind =
            reinterpret_cast<decltype(&kurtoscopeCudaAttention)>(dlsym(library, "kurtoscopeCudaAttention"));
        QVERIFY(kind);
        for (const int size : {32, 64, 128})
            for (const int causal : {0, 1})
                QVERIFY2(kind(0, 12, 128, size, causal) > 0, "LibTorch attends by plain operators");
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
