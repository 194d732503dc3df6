// SPDX-License-Identifier: GPL-3.0-or-later
// Exports run by the software they are for: torch, transformers, compressed-tensors and PEFT in a process of
// their own. Its Python is $KURTOSCOPE_REFERENCE_PYTHON, else the one that ./test sets up in
// build/reference-venv.
#include <QTest>

#include "core/model/tensor_file.h"
#include "tests/support/exported.h"
#include "tests/support/reference_python.h"

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {
constexpr const char* sampleLlama = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";

// Run freely, software on the LibTorch that this program has answers as the simulation by LibTorch's
// operators. Another version may sum in another order: said, and left to the comparison layer by layer.
void checkFreely(const CheckResult& result, const ExportPlace& place, double allowed, int& compared) {
    const std::string here = place.json("kurtoscope_export.json")["probe"]["libtorch"]["version"];
    if (result.versions.find("torch " + here) == std::string::npos) {
        qInfo("%s", qPrintable(QString::fromStdString("not compared freely, LibTorch is " + here +
                                                      " here and there " + result.versions)));
        return;
    }
    ++compared;
    QVERIFY2(result.byLibTorch && *result.byLibTorch <= allowed, qPrintable(figuresOf(result)));
}
} // namespace

class ExportReferenceTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        if (referencePython().empty())
            QSKIP("no Python with transformers and compressed-tensors: ./test sets one up");
    }

    void theRealLibrariesAnswerTheSame_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        const auto rows = [](const char* model, std::initializer_list<const char*> recipes) {
            for (const char* recipe : recipes)
                QTest::newRow((std::string(model) + " " + recipe).c_str()) << model << recipe;
        };
        rows("tiny-llama", {"w8a8:levels=full",
                            "w8a8:symmetric=off",
                            "w8a8:activation=per-token,levels=full",
                            "w8a8:dynamic=on,levels=full",
                            "w8a8:activation=per-group,activation_group=8,dynamic=on,levels=full",
                            "w8a8:levels=full,keep=top:3",
                            "w8a8:activation=per-token,levels=full,keep=top:3",
                            "w4a4:symmetric=off",
                            "w4a4:levels=full",
                            "rtn:bits=4,group=8",
                            "rtn:bits=8,group=0",
                            "rtn:bits=4,group=8,symmetric=off",
                            "gptq:bits=4,group=8",
                            "awq:bits=4,group=8,symmetric=on",
                            "fp8",
                            "fp8:activation=per-token",
                            "mx:format=nvfp4,activation_format=16",
                            "smoothquant:levels=full",
                            "w8a8:levels=full+kv-cache:ranges=static,bits=8",
                            "fp8+kv-cache:ranges=static,format=fp8",
                            "rotation:where=residual,online=off+w8a8:levels=full"});
        rows("tiny-bert-classifier", {"w8a8:levels=full", "w8a8:activation=per-token,levels=full",
                                      "w8a8:levels=full,keep=top:3", "rtn:bits=4,group=8"});
        rows("tiny-bert",
             {"w8a8:levels=full", "w8a8:symmetric=off", "w8a8:activation=per-token,levels=full",
              "w8a8:activation=per-group,activation_group=8,dynamic=on,levels=full",
              "w8a8:levels=full,keep=top:3", "w8a8:activation=per-token,levels=full,keep=top:3",
              "w4a4:levels=full", "fp8", "rtn:bits=4,group=8", "mx:format=mxfp4,activation_format=16"});
        rows(sampleLlama, {"mx:format=mxfp4,activation_format=16"}); // whose rows are whole blocks of 32
        if (QFile::exists(QString::fromStdString(miniLm)))
            for (const char* recipe :
                 {"w8a8:levels=full", "w8a8:symmetric=off", "w8a8:activation=per-token,levels=full",
                  "w8a8:activation=per-group,activation_group=32,dynamic=on,levels=full",
                  "w8a8:levels=full,keep=top:4", "w8a8:activation=per-token,levels=full,keep=top:4",
                  "w4a4:levels=full", "fp8", "fp8:activation=per-token", "rtn:bits=4,group=32",
                  "rtn:bits=8,group=0", "gptq:bits=4,group=32", "mx:format=nvfp4,activation_format=16",
                  "mx:format=mxfp4,activation_format=16"})
                QTest::newRow((std::string("MiniLM ") + recipe).c_str())
                    << QString::fromStdString(miniLm) << recipe;
        if (QFile::exists(QString::fromStdString(smolLm)))
            for (const char* recipe : {"w8a8:levels=full,keep=auto", "w8a8:activation=per-token,levels=full",
                                       "rtn:bits=4,group=32"})
                QTest::newRow((std::string("SmolLM2 ") + recipe).c_str())
                    << QString::fromStdString(smolLm) << recipe;
    }
    void theRealLibrariesAnswerTheSame() {
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        const ExportResult made = bench.exportModel(
            exportRequest(model.toStdString(), recipe.toStdString(), "compressed-tensors", place));
        const auto results = bench.verifyExport(place.path(), referencePython());
        QCOMPARE(results.size(), made.plan.checks.size());
        for (const CheckResult& result : results) {
            if (result.check.way == "vllm") continue; // below, where there is one
            if (!result.ran()) QSKIP(result.skipped.c_str());
            const QString figures = figuresOf(result);
            qInfo("%s", qPrintable(figures));
            QVERIFY2(std::isfinite(result.check.tolerance), "the target carries all of this recipe");
            QVERIFY2(result.passed(), qPrintable(figures));
            if (result.check.way == "kurtoscope") continue;
            QVERIFY2(result.steps && result.steps->difference <= result.check.tolerance, qPrintable(figures));
            // To the bit where inputs are rounded, which hides last bits (else to 1e-6), but for a rotation,
            // part of which moves into the head, and for bfloat16.
            const bool exact = std::isfinite(result.check.tolerance) && result.check.tolerance <= 1e-5 &&
                               !recipe.contains(QStringLiteral("rotation"));
            const bool rounds = !recipe.startsWith(QStringLiteral("rtn")) &&
                                !recipe.startsWith(QStringLiteral("gptq")) &&
                                !recipe.startsWith(QStringLiteral("awq"));
            checkFreely(result, place, !exact ? result.check.tolerance : rounds ? 0 : 1e-6, compared_);
            if (QTest::currentTestFailed()) return;
        }
        const auto checks = place.json("kurtoscope_export.json")["checks"];
        QCOMPARE(checks.size(), results.size());
        QVERIFY(checks[1]["versions"].get<std::string>().find("compressed-tensors 0.") != std::string::npos);
    }

    void vllmAnswersTheSame_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("recipe");
        const auto row = [](const QString& model, const char* recipe) {
            QTest::newRow(qPrintable(QFileInfo(model).baseName() + " " + recipe)) << model << recipe;
        };
        for (const char* recipe : {"w8a8:levels=full-reciprocal", "w8a8:symmetric=off",
                                   "w8a8:activation=per-token", "w8a8:activation=per-token,symmetric=off"})
            row(sampleLlama, recipe);
        // Its reciprocal of a symmetric scale that is taken at run time is not simulated: some value of so
        // deep a model always tips.
        if (QFile::exists(QString::fromStdString(smolLm)))
            for (const char* recipe : {"w8a8:levels=full-reciprocal", "w8a8:symmetric=off",
                                       "w8a8:activation=per-token,symmetric=off"})
                row(QString::fromStdString(smolLm), recipe);
    }
    // Its engine on the CPU, where weights and activations meet as integers, given the simulation's inputs.
    void vllmAnswersTheSame() {
        if (vllmPython().empty()) QSKIP("no Python with vLLM (KURTOSCOPE_VLLM_PYTHON)");
        QFETCH(QString, model);
        QFETCH(QString, recipe);
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        bench.exportModel(
            exportRequest(model.toStdString(), recipe.toStdString(), "compressed-tensors", place));
        const auto results = bench.verifyExport(place.path(), vllmPython());
        const auto found = std::find_if(results.begin(), results.end(),
                                        [](const CheckResult& result) { return result.check.way == "vllm"; });
        QVERIFY(found != results.end());
        const QString figures = figuresOf(*found);
        qInfo("%s", qPrintable(figures));
        QVERIFY2(found->ran() && found->passed(), qPrintable(figures));
        QVERIFY2(found->steps && found->steps->difference <= 1e-5, qPrintable(figures));
    }

    // What vLLM has no kernel for, or rounds otherwise, is not judged by it.
    void vllmIsAskedForWhatItRuns() {
        const auto toleranceOf = [](const std::string& model, const std::string& recipe) {
            const ExportPlace place;
            const ExportPlan plan =
                opened(model).planExport(exportRequest(model, recipe, "compressed-tensors", place));
            for (const ExportCheck& check : plan.checks)
                if (check.way == "vllm") return check.tolerance;
            return -1.0;
        };
        QCOMPARE(toleranceOf("tiny-llama", "w8a8:levels=full-reciprocal"), 1e-5);
        QCOMPARE(toleranceOf("tiny-llama", "w8a8:activation=per-token,symmetric=off"), 1e-5);
        QVERIFY(std::isinf(toleranceOf("tiny-llama", "w8a8:levels=full")));
        QVERIFY(std::isinf(toleranceOf("tiny-llama", "w8a8:symmetric=off,levels=full-reciprocal")));
        QVERIFY(std::isinf(toleranceOf("tiny-llama", "w8a8:activation=per-token")));
        QVERIFY(std::isinf(toleranceOf("tiny-llama", "rtn:bits=4,group=8")));
        QCOMPARE(toleranceOf("tiny-llama", "rtn:bits=8,group=0"), -1.0);
        QCOMPARE(toleranceOf("tiny-llama", "w8a8:levels=full,keep=top:3"), -1.0);
        QCOMPARE(toleranceOf("tiny-bert", "w8a8:levels=full"), -1.0);
    }

    // Targets without weights: the model that was opened, loaded by the folder's own script or run through
    // its recipe.
    void theRealLibrariesLoadTheConfigurations_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("format");
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<double>("bound"); // 0: what is told and not judged
        const auto rows = [](const char* format, const char* recipe, double bound) {
            std::vector<std::string> models{"tiny-llama", "tiny-bert-classifier"};
            if (QFile::exists(QString::fromStdString(miniLm))) models.push_back(miniLm);
            for (const std::string& model : models)
                QTest::newRow((model.substr(model.rfind('/') + 1) + " " + format + " " + recipe).c_str())
                    << QString::fromStdString(model) << format << recipe << bound;
        };
        rows("bitsandbytes", "w8a8:activation=per-token", 2e-2);
        rows("bitsandbytes", "llm-int8:threshold=4.5,outliers=bitsandbytes", 2e-2);
        rows("bitsandbytes", "llm-int8:threshold=4.5", 0);
        rows("torchao", "w8a8:activation=per-token,levels=full-reciprocal,weight_levels=full-reciprocal",
             1e-5);
        rows("torchao", "w8a8:activation=per-token,levels=full,weight_levels=full", 2e-2);
        rows("torchao", "w8a8:activation=per-token,levels=full", 0);
        rows("torchao", "rtn:bits=8,group=0,levels=full-reciprocal", 1e-5);
        rows("torchao", "rtn:bits=8,group=0,levels=full", 2e-2);
        rows("torchao", "rtn:bits=4,group=8,levels=full-reciprocal", 1e-5);
        rows("torchao", "rtn:bits=4,group=8,levels=full", 0);
        rows("torchao",
             "w8a8:activation=per-token,symmetric=off,levels=full-reciprocal,weight_bits=4,weight=per-group,"
             "weight_group=8,weight_levels=full-reciprocal",
             1e-5);
        rows("llm-compressor", "w8a8:levels=full,weight_levels=full", 1e-5);
        rows("llm-compressor", "w8a8:activation=per-token,levels=full,weight_levels=full", 1e-5);
        rows("llm-compressor", "rtn:bits=4,group=8,levels=full", 1e-5);
        rows("llm-compressor", "gptq:bits=4,group=8,levels=full", 0);
    }
    void theRealLibrariesLoadTheConfigurations() {
        QFETCH(QString, model);
        QFETCH(QString, format);
        QFETCH(QString, recipe);
        QFETCH(double, bound);
        const std::string python =
            format == QStringLiteral("llm-compressor") ? compressorPython() : referencePython();
        if (python.empty()) QSKIP("no Python with llm-compressor");
        const ExportPlace place;
        Workbench& bench = opened(model.toStdString());
        bench.exportModel(
            exportRequest(model.toStdString(), recipe.toStdString(), format.toStdString(), place));
        const auto results = bench.verifyExport(place.path(), python);
        QCOMPARE(results.size(), std::size_t{1});
        const CheckResult& result = results.front();
        if (!result.ran()) QSKIP(result.skipped.c_str());
        const QString figures = figuresOf(result);
        qInfo("%s", qPrintable(figures));
        QVERIFY2(result.passed() && std::isfinite(result.check.tolerance) == (bound > 0),
                 qPrintable(figures));
        QVERIFY2(result.steps, qPrintable(figures));
        // llm-compressor takes static ranges in a pass of its own: where a scale's last bit is another,
        // values tip under the same inputs too.
        const bool ownRanges = format == QStringLiteral("llm-compressor") && result.difference <= bound;
        if (bound > 0) QVERIFY2(ownRanges || result.steps->difference <= bound, qPrintable(figures));
        // Bounds above are for levels that the library itself takes otherwise.
        if (bound > 0 && bound <= 1e-5) checkFreely(result, place, result.check.tolerance, compared_);
    }

    void someWereComparedFreely() {
        if (compared_ == 0) QSKIP("the Python's torch is of another version than LibTorch here");
    }

    // The proof can fail: a scale that is off shows.
    void aChangedScaleIsFound() {
        const ExportPlace place;
        Workbench& bench = opened("tiny-llama");
        bench.exportModel(exportRequest("tiny-llama", "w8a8:levels=full", "compressed-tensors", place));
        std::string bytes = place.read("model.safetensors");
        const auto file = TensorFile::openSafetensors(place.path() + "/model.safetensors");
        const StoredTensor* scale = file->find("model.layers.0.mlp.down_proj.weight_scale");
        QVERIFY(scale);
        const std::string_view part(reinterpret_cast<const char*>(scale->bytes.data()), scale->bytes.size());
        std::vector<float> values(static_cast<std::size_t>(scale->elements()));
        dequantize(*scale, values);
        for (float& value : values)
            value *= 1.5F;
        const std::size_t at = bytes.find(part);
        QVERIFY(at != std::string::npos);
        std::memcpy(bytes.data() + at, values.data(), part.size());
        place.write("model.safetensors", bytes);
        const auto results = bench.verifyExport(place.path(), referencePython());
        QVERIFY(results.size() == 3);
        for (const CheckResult& result : results) {
            QVERIFY(!result.passed() && (result.difference > 1e-3 || !result.ran()));
            if (result.steps) QCOMPARE(result.steps->where, "made.model.layers.0.mlp.down_proj");
        }
    }

    void aMissingPythonIsSaid() {
        const ExportPlace place;
        Workbench& bench = opened("tiny-llama");
        bench.exportModel(exportRequest("tiny-llama", "w8a8:levels=full", "compressed-tensors", place));
        const auto results = bench.verifyExport(place.path(), "/no/such/python");
        QVERIFY(results[0].passed());
        QVERIFY(!results[1].ran() && results[1].skipped.find("/no/such/python") != std::string::npos);
    }

private:
    int compared_ = 0; // answers run freely
};

QTEST_GUILESS_MAIN(ExportReferenceTest)
#include "test_export_reference.moc"
