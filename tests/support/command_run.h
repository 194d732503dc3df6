// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QProcessEnvironment>
#include <QStringList>
#include <nlohmann/json.hpp>

namespace kurtoscope::test {

using Json = nlohmann::json;

// The bundled model and text of its own kind.
inline const QString tinyModel = QStringLiteral(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama");
inline const QString tinyText = tinyModel + QStringLiteral("/heldout.txt");

struct CommandRun {
    int code = -1; // −1: it crashed or did not end
    QByteArray out, err;

    QByteArray lastLine() const { return err.trimmed().split('\n').last(); }
    Json json() const { return Json::parse(out.toStdString()); } // throws when anything else stands there
};

// The program's environment: a platform that does not exist, so that whatever touches a display dies.
inline QProcessEnvironment commandEnvironment() {
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.remove("DISPLAY");
    environment.remove("WAYLAND_DISPLAY");
    environment.insert("QT_QPA_PLATFORM", "no-such-platform");
    return environment;
}

inline CommandRun runCommand(const QStringList& arguments,
                             const QProcessEnvironment& environment = commandEnvironment()) {
    QProcess process;
    process.setProcessEnvironment(environment);
    process.start(KURTOSCOPE_BINARY, arguments);
    CommandRun run;
    if (process.waitForFinished(300'000) && process.exitStatus() == QProcess::NormalExit)
        run.code = process.exitCode();
    run.out = process.readAllStandardOutput();
    run.err = process.readAllStandardError();
    return run;
}

inline QByteArray contents(const QString& file) {
    QFile opened(file);
    return opened.open(QIODevice::ReadOnly) ? opened.readAll() : QByteArray();
}

inline void writeContents(const QString& file, const QByteArray& bytes) {
    QFile opened(file);
    if (opened.open(QIODevice::WriteOnly)) opened.write(bytes);
}

} // namespace kurtoscope::test

// In a test function or init(): what needs the bundled model.
#define NEEDS_TINY_MODEL                                                                                     \
    if (!QFileInfo::exists(kurtoscope::test::tinyModel + "/model.safetensors"))                              \
    QSKIP("sample_models/tiny-llama is not there")
