// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/settings.h"

#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>

namespace kurtoscope {
namespace {

QString place(const QString& file) {
    if (!file.isEmpty()) return file;
    return QSettings(QSettings::IniFormat, QSettings::UserScope, "kurtoscope", "kurtoscope").fileName();
}

// Beside settings that lie elsewhere, so that a second set of them is whole.
QString dataPlace(const QString& file) {
    if (!file.isEmpty()) return QFileInfo(file).absoluteDir().filePath("sessions");
    return QDir(QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation))
        .filePath("kurtoscope/sessions");
}

constexpr qsizetype mostRecent = 10;

} // namespace

Settings::Settings(const QString& file)
    : dataFolder_(dataPlace(file)), store_(place(file), QSettings::IniFormat) {}

QStringList Settings::recent(const QString& kind) const {
    return store_.value("recent/" + kind).toStringList();
}

void Settings::addRecent(const QString& kind, const QString& path) {
    const QString absolute = QFileInfo(path).absoluteFilePath();
    QStringList paths = recent(kind);
    paths.removeAll(absolute);
    paths.prepend(absolute);
    store_.setValue("recent/" + kind, QStringList(paths.mid(0, mostRecent)));
}

void Settings::forgetRecent() {
    store_.remove("recent");
}

void Settings::setWindow(const QByteArray& geometry, const QByteArray& dockState) {
    store_.setValue("window/geometry", geometry);
    store_.setValue("window/docks", dockState);
}

void Settings::forgetWindow() {
    store_.remove("window");
}

} // namespace kurtoscope
