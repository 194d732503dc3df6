// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/settings.h"

namespace kurtoscope {
namespace {

QString place(const QString& file) {
    if (!file.isEmpty()) return file;
    return QSettings(QSettings::IniFormat, QSettings::UserScope, "kurtoscope", "kurtoscope").fileName();
}

} // namespace

Settings::Settings(const QString& file) : store_(place(file), QSettings::IniFormat) {}

void Settings::setWindow(const QByteArray& geometry, const QByteArray& dockState) {
    store_.setValue("window/geometry", geometry);
    store_.setValue("window/docks", dockState);
}

void Settings::forgetWindow() {
    store_.remove("window");
}

} // namespace kurtoscope
