// SPDX-License-Identifier: GPL-3.0-or-later
// What the sub-commands write: JSON keys, pure standard output, tensors, whole files or none.
#include "core/model/tensor_file.h"
#include "tests/support/command_run.h"

#include <QDir>
#include <QTemporaryDir>
#include <QtTest>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <map>
#include <set>

using namespace kurtoscope::test;

namespace {

const QStringList small{"--windows", "2", "--length", "48", "--json", "-"};

QByteArray missingKeys(const Json& object, std::initializer_list<const char*> keys) {
    QByteArray missing;
    for (const char* key : keys)
        if (!object.contains(key)) missing += QByteArray(key) + " ";
    return missing;
}

void checkInspection(const Json& json, int layers, int hidden, std::int64_t tokens) {
    QCOMPARE(missingKeys(json, {"schema", "model", "tokens", "sites"}), QByteArray());
    QCOMPARE(json["schema"].get<int>(), 1);
    QCOMPARE(json["tokens"].get<std::int64_t>(), tokens);
    QCOMPARE(json["model"]["layers"].get<int>(), layers);
    QCOMPARE(json["sites"].front()["site"].get<std::string>(), std::string("embedding"));
    int residuals = 0;
    for (const Json& site : json["sites"]) {
        QCOMPARE(missingKeys(site, {"site", "layer", "place", "channels", "tokens", "absmax", "kurtosis",
                                    "top1pct_energy", "max_to_median", "nonfinite", "outlier_channels",
                                    "first_token_only", "channel_absmax", "channel_kurtosis"}),
                 QByteArray());
        QCOMPARE(site.size(), std::size_t(14));
        QCOMPARE(site["channel_absmax"].size(), site["channels"].get<std::size_t>());
        QCOMPARE(site["channel_kurtosis"].size(), site["channels"].get<std::size_t>());
        if (site["place"] != "mlp_residual") continue;
        QCOMPARE(site["site"].get<std::string>(), "layers." + std::to_string(residuals) + ".mlp_residual");
        QCOMPARE(site["layer"].get<int>(), residuals);
        QCOMPARE(site["channels"].get<int>(), hidden);
        QCOMPARE(site["tokens"].get<std::int64_t>(), tokens);
        double largest = 0;
        for (const Json& value : site["channel_absmax"])
            largest = std::max(largest, value.get<double>());
        QVERIFY(std::abs(largest - site["absmax"].get<double>()) <= 1e-6 * largest);
        QVERIFY(site["top1pct_energy"].get<double>() > 0 && site["top1pct_energy"].get<double>() <= 1);
        ++residuals;
    }
    QCOMPARE(residuals, layers);
}

} // namespace

class TestCommandResults : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    QString path(const QString& name) const { return folder_.filePath(name); }

private slots:
    void init() { NEEDS_TINY_MODEL; }

    void inspect() {
        const CommandRun run = runCommand(QStringList{"inspect", tinyModel, "--data", tinyText} + small);
        QVERIFY2(run.code == 0, run.err);
        checkInspection(run.json(), 6, 128, 96);
    }

    void inspectWithoutFirstTokens() {
        const CommandRun run =
            runCommand(QStringList{"inspect", tinyModel, "--data", tinyText, "--skip-first-token"} + small);
        QVERIFY2(run.code == 0, run.err);
        const Json json = run.json();
        for (const Json& site : json["sites"])
            if (site["place"] == "mlp_residual") QCOMPARE(site["tokens"].get<int>(), 94);
    }

    void inspectCountsTopChannels() {
        const CommandRun run =
            runCommand(QStringList{"inspect", tinyModel, "--data", tinyText, "--criterion", "top:3"} + small);
        QVERIFY2(run.code == 0, run.err);
        const Json json = run.json();
        for (const Json& site : json["sites"])
            if (site["place"] == "attn_input") {
                QCOMPARE(site["outlier_channels"].size(), std::size_t(3));
                double least = 1e30, others = 0;
                for (std::size_t c = 0; c < site["channel_absmax"].size(); ++c) {
                    const bool marked =
                        std::count(site["outlier_channels"].begin(), site["outlier_channels"].end(), c) > 0;
                    const double value = site["channel_absmax"][c].get<double>();
                    if (marked)
                        least = std::min(least, value);
                    else
                        others = std::max(others, value);
                }
                QVERIFY(least >= others);
            }
    }

    void inspectSiteBySite() {
        const auto run = runCommand(QStringList{"inspect", tinyModel, "--data", tinyText, "--windows", "1",
                                                "--length", "32", "--sites"});
        QCOMPARE(run.code, 0);
        const auto lines = run.out.split('\n');
        for (const char* site : {"layers.0.mlp_input", "layers.1.mlp_input", "layers.3.attn_context"})
            QCOMPARE(std::count_if(lines.begin(), lines.end(),
                                   [&](const QString& line) { return line.startsWith(QString(site) + ' '); }),
                     1);
    }

    void inspectForPeople() {
        const CommandRun run =
            runCommand({"inspect", tinyModel, "--data", tinyText, "--windows", "1", "--length", "32"});
        QVERIFY2(run.code == 0, run.err);
        QVERIFY(run.out.startsWith("place "));
        for (const char* word : {"mlp_residual", "kurtosis", "top 1 % energy", "max/median", "Pearson"})
            QVERIFY2(run.out.contains(word), run.out);
        QVERIFY2(!run.err.contains('\r') && !run.err.contains('\033'), run.err); // a pipe gets plain lines
    }

    void evaluate() {
        const QString recipe = "w8a8:activation=per-token,weight=per-channel,dynamic=on";
        const CommandRun run =
            runCommand(QStringList{"evaluate", tinyModel, "--data", tinyText, "--recipe", recipe, "--recipe",
                                   "fp32", "--recipe", recipe + ",keep=top:2"} +
                       small);
        QVERIFY2(run.code == 0, run.err);
        const Json json = run.json();
        QCOMPARE(
            missingKeys(json, {"schema", "task", "readings", "data", "windows", "length", "seed", "device"}),
            QByteArray());
        QCOMPARE(json["task"].get<std::string>(), std::string("perplexity"));
        QCOMPARE(json["windows"].get<int>(), 2);
        QCOMPARE(json["readings"].size(), std::size_t(3));
        for (const Json& reading : json["readings"]) {
            QCOMPARE(missingKeys(reading, {"recipe", "metric", "score", "stderr", "perplexity", "kl_mean",
                                           "kl_median", "kl_p99", "top1_agreement", "sqnr_db", "latency_ms",
                                           "weight_bytes", "effective_bits", "kernels", "difference",
                                           "difference_stderr", "kept_channels"}),
                     QByteArray());
            QVERIFY(reading["score"].get<double>() > 1);
            QVERIFY(reading["latency_ms"]["p50"].get<double>() > 0);
            QVERIFY(reading["latency_ms"]["p99"].get<double>() >= reading["latency_ms"]["p50"].get<double>());
        }
        const Json &quantized = json["readings"][0], &baseline = json["readings"][1],
                   &keeping = json["readings"][2];
        QCOMPARE(quantized["recipe"].get<std::string>(), recipe.toStdString());
        QCOMPARE(baseline["kernels"].get<std::string>(), std::string("float"));
        QCOMPARE(baseline["difference"].get<double>(), 0.0);
        QVERIFY(baseline["sqnr_db"].is_null()); // infinite
        QVERIFY(quantized["kernels"] != "float");
        QVERIFY(quantized["sqnr_db"].get<double>() > 5);
        QVERIFY(quantized["weight_bytes"].get<double>() < baseline["weight_bytes"].get<double>());
        QVERIFY(keeping["kept_channels"].get<int>() > 0);
        const double difference = quantized["score"].get<double>() - baseline["score"].get<double>();
        QVERIFY(std::abs(quantized["difference"].get<double>() - difference) <
                1e-6 * baseline["score"].get<double>());
        QVERIFY(run.err.contains("recipe ")); // the table, off standard output
    }

    void kernelsBesideTheirSimulation_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<QString>("tag"); // of real kernels
        QTest::newRow("integers") << "w8a8:activation=per-token"
                                  << "integer";
        QTest::newRow("bfloat16") << "bf16"
                                  << "float";
        QTest::newRow("bfloat16 with kept channels") << "bf16:keep=top:4"
                                                     << "float";
    }
    void kernelsBesideTheirSimulation() {
        QFETCH(QString, recipe);
        QFETCH(QString, tag);
        const CommandRun run =
            runCommand(QStringList{"evaluate", tinyModel, "--data", tinyText, "--recipe", "fp32", "--recipe",
                                   recipe, "--kernels", "both", "--no-latency"} +
                       small); // a value that tips over moves one token's scale, not all of them
        QVERIFY2(run.code == 0, run.err);
        const Json readings = run.json()["readings"];
        QCOMPARE(readings.size(), std::size_t(3)); // FP32 has but one way
        QCOMPARE(readings[0]["kernels"].get<std::string>(), std::string("float"));
        QCOMPARE(readings[2]["kernels"].get<std::string>(), std::string("simulated"));
        QCOMPARE(readings[1]["recipe"], readings[2]["recipe"]);
        const double real = readings[1]["score"].get<double>(),
                     simulated = readings[2]["score"].get<double>();
        QVERIFY2(std::abs(real / simulated - 1) < 1e-3,
                 qPrintable(QString("%1 %2").arg(real).arg(simulated)));
        if (QString::fromStdString(readings[1]["kernels"]) == tag)
            QVERIFY2(run.err.contains("real kernels against their simulation, perplexity"), run.err);
        else
            QCOMPARE(real, simulated);
    }

    void simulationAloneIsComparedWithNothing() {
        const CommandRun run =
            runCommand(QStringList{"evaluate", tinyModel, "--data", tinyText, "--recipe", "fp32", "--recipe",
                                   "w8a8", "--kernels", "simulated", "--no-latency"} +
                       small);
        QVERIFY2(run.code == 0, run.err);
        QCOMPARE(run.json()["readings"].size(), std::size_t(2));
        QVERIFY2(!run.err.contains("against their simulation"), run.err);
    }

    void benchTimesEverySize() {
        const CommandRun run =
            runCommand({"bench",     tinyModel, "--recipe", "fp32", "--recipe",  "w8a8:keep=top:1",
                        "--kernels", "both",    "--batch",  "1",    "--batch",   "3",
                        "--length",  "8",       "--runs",   "5",    "--threads", "2",
                        "--json",    "-"});
        QVERIFY2(run.code == 0, run.err);
        const Json json = run.json();
        QCOMPARE(missingKeys(json, {"schema", "model", "machine", "results"}), QByteArray());
        QVERIFY(json["machine"]["fp32_tops"].get<double>() > 0);
        QVERIFY(json["machine"]["bytes_per_s"].get<double>() > 0);
        QVERIFY(!json["machine"]["energy_source"].get<std::string>().empty());
        const Json& results = json["results"];
        QCOMPARE(results.size(), std::size_t(2 * 3)); // FP32 has but one way
        for (std::size_t i = 0; i < results.size(); ++i) {
            const Json &one = results[i], &latency = one["latency_ms"], &phases = one["phases"];
            QCOMPARE(one["batch"].get<int>(), i < 3 ? 1 : 3);
            QCOMPARE(one["length"].get<int>(), 8);
            QCOMPARE(one["threads"].get<int>(), 2);
            QCOMPARE(one["runs"].get<int>(), 5);
            QVERIFY(latency["p10"].get<double>() > 0 && latency["p10"] <= latency["p50"] &&
                    latency["p50"] <= latency["p90"] && latency["p90"] <= latency["p99"]);
            const double tokens = one["batch"].get<int>() * 8 / latency["p50"].get<double>() * 1000;
            QVERIFY(std::abs(one["tokens_per_s"].get<double>() / tokens - 1) < 1e-6);
            double whole = 0;
            for (const char* phase : {"quantize", "gemm", "epilogue", "attention", "rest"})
                whole += phases[phase].get<double>();
            QVERIFY2(std::abs(whole - 1) < 1e-6, qPrintable(QString::number(whole)));
            QVERIFY(phases["gemm"].get<double>() > 0 && phases["attention"].get<double>() > 0);
            QCOMPARE(phases["quantize"].get<double>() > 0, i % 3 > 0);
            QVERIFY(one["peak_bytes"].get<double>() > 1e6 && one["tops"].get<double>() > 0);
            QVERIFY(one["energy_j"].is_null() || one["energy_j"].get<double>() >= 0);
            std::set<std::string> keys;
            for (const auto& [key, value] : one.items())
                keys.insert(key);
            QCOMPARE(keys, (std::set<std::string>{"recipe", "batch", "length", "threads", "runs",
                                                  "latency_ms", "tokens_per_s", "tops", "peak_bytes",
                                                  "phases", "energy_j", "kernels"}));
        }
        QCOMPARE(results[0]["kernels"].get<std::string>(), std::string("float"));
        QCOMPARE(results[2]["kernels"].get<std::string>(), std::string("simulated"));
        if (!json["machine"]["int8_tops"].is_null())
            QCOMPARE(results[1]["kernels"].get<std::string>(), std::string("integer"));
        const CommandRun tooLong = runCommand({"bench", tinyModel, "--length", "1000000"});
        QCOMPARE(tooLong.code, 1);
        QVERIFY2(tooLong.err.contains("1000000 tokens are more than the model's"), tooLong.err);
    }

    void evaluateWithoutLatency() {
        const CommandRun run = runCommand(
            QStringList{"evaluate", tinyModel, "--data", tinyText, "--recipe", "fp32", "--no-latency"} +
            small);
        QVERIFY2(run.code == 0, run.err);
        QVERIFY(run.json()["readings"][0]["latency_ms"]["p50"].is_null());
    }

    void predictWritesTensors() {
        const CommandRun run = runCommand({"predict", tinyModel, "--ids", "1,2,3,40", "--json", "-", "--top",
                                           "3", "--logits", path("out.safetensors")});
        QVERIFY2(run.code == 0, run.err);
        const Json json = run.json();
        QCOMPARE(json["ids"].get<std::vector<int>>(), std::vector<int>({1, 2, 3, 40}));
        QCOMPARE(json["tokens"].size(), std::size_t(4));
        QCOMPARE(json["top"].size(), std::size_t(3));
        QVERIFY(json["top"][0]["probability"].get<double>() >= json["top"][1]["probability"].get<double>());

        std::uint64_t header = 0;
        std::memcpy(&header, contents(path("out.safetensors")).constData(), sizeof header);
        QCOMPARE(header % 8, std::uint64_t(0));
        const auto file = kurtoscope::TensorFile::openSafetensors(path("out.safetensors").toStdString());
        const auto *logits = file->find("logits"), *hidden = file->find("last_hidden_state");
        QVERIFY(logits != nullptr && hidden != nullptr);
        QCOMPARE(logits->shape, std::vector<std::int64_t>({4, 1024}));
        QCOMPARE(hidden->shape, std::vector<std::int64_t>({4, 128}));
        std::vector<float> values(4 * 1024);
        kurtoscope::dequantize(*logits, values);
        const auto last = values.begin() + 3 * 1024;
        QCOMPARE(int(std::max_element(last, values.end()) - last), json["top"][0]["id"].get<int>());
    }

    void predictFromText() {
        const CommandRun text =
            runCommand({"predict", "tiny-llama", "--text", "The snow came from the west", "--json", "-"});
        QVERIFY2(text.code == 0, text.err);
        QStringList ids;
        const Json json = text.json();
        for (const Json& id : json["ids"])
            ids << QString::number(id.get<int>());
        QVERIFY(ids.size() > 2);
        const CommandRun same = runCommand({"predict", tinyModel, "--ids", ids.join(','), "--json", "-"});
        QCOMPARE(same.json()["top"][0]["id"].get<int>(), text.json()["top"][0]["id"].get<int>());
    }

    void modelsAreFound() {
        const QDir hub(path("hub"));
        QVERIFY(hub.mkpath("models--someone--small/snapshots/abc"));
        for (const QString& name : QDir(tinyModel).entryList(QDir::Files))
            QVERIFY(QFile::copy(tinyModel + "/" + name,
                                hub.filePath("models--someone--small/snapshots/abc/" + name)));
        QProcessEnvironment environment = commandEnvironment();
        environment.insert("HF_HUB_CACHE", hub.path());
        const CommandRun run = runCommand({"models", "--json", "-"}, environment);
        QVERIFY2(run.code == 0, run.err);
        std::map<std::string, int> origins;
        const Json json = run.json();
        for (const Json& model : json["models"]) {
            QCOMPARE(missingKeys(model, {"name", "origin", "summary", "bytes", "path"}), QByteArray());
            ++origins[model["origin"].get<std::string>()];
        }
        QVERIFY(origins["bundled"] >= 1);
        QCOMPARE(origins["Hugging Face cache"], 1);
        QVERIFY(runCommand({"models"}, environment).out.contains("tiny-llama"));
    }

    void schemesAreListed() {
        const CommandRun run = runCommand({"schemes", "--json", "-"});
        QVERIFY2(run.code == 0, run.err);
        std::set<std::string> ids;
        const Json json = run.json();
        for (const Json& scheme : json["schemes"])
            ids.insert(scheme["id"].get<std::string>());
        QVERIFY(ids.contains("fp32") && ids.contains("w8a8"));
        const QByteArray table = runCommand({"schemes"}).out;
        for (const std::string& id : ids)
            QVERIFY(table.contains(id.c_str()));
        QVERIFY(table.contains("activation_bits"));
    }

    void aStopLeavesTheOldFile() {
        // Enough text for minutes; it is stopped as soon as it has begun.
        QByteArray text;
        while (text.size() < 1'000'000)
            text += contents(tinyText);
        writeContents(path("long.txt"), text);
        writeContents(path("old.json"), "old");
        QProcess process;
        process.setProcessEnvironment(commandEnvironment());
        process.start(KURTOSCOPE_BINARY,
                      {"evaluate", tinyModel, "--data", path("long.txt"), "--recipe", "fp32", "--length",
                       "16", "--windows", "100000", "--json", path("old.json")});
        process.setReadChannel(QProcess::StandardError); // what the loop waits for
        QByteArray err;
        while (!err.contains("Evaluating") && process.waitForReadyRead(60'000))
            err += process.readAllStandardError();
        if (process.state() != QProcess::Running) QFAIL("it ended before it could be stopped: " + err);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(30'000));
        err += process.readAllStandardError();
        QCOMPARE(process.exitStatus(), QProcess::NormalExit);
        QCOMPARE(process.exitCode(), 130);
        QVERIFY2(err.endsWith("Stopped.\n"), err);
        QCOMPARE(contents(path("old.json")), QByteArray("old"));
        QVERIFY(QDir(folder_.path()).entryList({"old.json.*"}).isEmpty());
    }

    void realModel() {
        const QString model = KURTOSCOPE_MODELS_DIR "/SmolLM2-135M-Instruct.Q4_1.gguf";
        if (!QFileInfo::exists(model)) QSKIP("SmolLM2 was not fetched");
        const CommandRun run =
            runCommand({"inspect", model, "--data", KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt",
                        "--windows", "1", "--length", "64", "--json", "-"});
        QVERIFY2(run.code == 0, run.err);
        checkInspection(run.json(), 30, 576, 64);
    }
};

QTEST_GUILESS_MAIN(TestCommandResults)
#include "test_command_results.moc"
