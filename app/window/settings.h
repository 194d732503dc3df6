// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QSettings>
#include <QString>

namespace kurtoscope {

// What the window remembers from one start to the next. `file` empty: the person's own settings.
class Settings {
public:
    explicit Settings(const QString& file = {});

    QByteArray geometry() const { return store_.value("window/geometry").toByteArray(); }
    QByteArray dockState() const { return store_.value("window/docks").toByteArray(); }
    void setWindow(const QByteArray& geometry, const QByteArray& dockState);
    void forgetWindow();

    QString theme() const { return store_.value("theme", "system").toString(); } // light, dark, system
    void setTheme(const QString& theme) { store_.setValue("theme", theme); }
    QString lastModel() const { return store_.value("lastModel").toString(); }
    void setLastModel(const QString& path) { store_.setValue("lastModel", path); }

private:
    QSettings store_;
};

} // namespace kurtoscope
