// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/first_files.h"

#include "core/data/saved_session.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QStringList>

namespace kurtoscope {
namespace {

// Beside an installed binary first, then where the source was built.
QString shipped(const QString& name) {
    const QString installed = QCoreApplication::applicationDirPath() + "/../share/kurtoscope/" + name;
    if (QFileInfo::exists(installed)) return QDir::cleanPath(installed);
    const QString source = QString(KURTOSCOPE_SOURCE_DIR "/") + name;
    return QFileInfo::exists(source) ? source : QString();
}

} // namespace

QString firstModel() {
    const QString fetched = KURTOSCOPE_MODELS_DIR "/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (QFileInfo::exists(fetched)) return fetched;
    const QString bundled = shipped("sample_models/tiny-llama");
    return looksLikeModel(bundled) ? bundled : QString();
}

QString textFor(const QString& modelPath) {
    // A bundled model's, then what the run that a checkpoint lies in held out.
    for (const char* beside : {"/heldout.txt", "/../../data/held_out.txt"})
        if (!modelPath.isEmpty() && QFileInfo::exists(modelPath + beside))
            return QDir::cleanPath(modelPath + beside);
    return shipped("resources/demo_text.txt");
}

bool looksLikeModel(const QString& path) {
    const QFileInfo info(path);
    return info.isDir() ? QFileInfo::exists(path + "/config.json")
                        : info.isFile() && info.suffix().compare("gguf", Qt::CaseInsensitive) == 0;
}

bool looksLikeSession(const QString& path) {
    return path.endsWith(QLatin1String(sessionSuffix.data(), sessionSuffix.size()), Qt::CaseInsensitive) &&
           !QFileInfo(path).isDir();
}

bool looksLikeData(const QString& path) {
    const QFileInfo info(path);
    return info.isFile() && QStringList{"txt", "md", "tsv", "csv"}.contains(info.suffix().toLower());
}

} // namespace kurtoscope
