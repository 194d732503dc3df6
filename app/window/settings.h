// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <QStringList>

namespace kurtoscope {

// What the window remembers from one start to the next. `file` empty: the person's own settings.
class Settings {
public:
    // Raised when the docks change, so that an old arrangement is not forced on them.
    static constexpr int layoutVersion = 2;

    explicit Settings(const QString& file = {});

    QByteArray geometry() const { return store_.value("window/geometry").toByteArray(); }
    QByteArray dockState() const { return store_.value("window/docks").toByteArray(); }
    void setWindow(const QByteArray& geometry, const QByteArray& dockState);
    void forgetWindow();

    QString theme() const { return store_.value("theme", "system").toString(); } // light, dark, system
    void setTheme(const QString& theme) { store_.setValue("theme", theme); }
    // Multiplications per second, seen here.
    double rate() const { return store_.value("rate", 0.0).toDouble(); }
    void setRate(double rate) { store_.setValue("rate", rate); }
    QString lastModel() const { return store_.value("lastModel").toString(); }
    void setLastModel(const QString& path) { store_.setValue("lastModel", path); }

    // The newest first, at most ten of each kind: "models", "sessions" or "data".
    QStringList recent(const QString& kind) const;
    void addRecent(const QString& kind, const QString& path);
    void forgetRecent();
    QString file() const { return store_.fileName(); }
    QString dataFolder() const { return dataFolder_; } // for what is kept beside settings, such as autosaves

    bool tourSeen() const { return store_.value("tourSeen", false).toBool(); }
    void setTourSeen(bool seen) { store_.setValue("tourSeen", seen); }
    bool projector() const { return store_.value("projector", false).toBool(); }
    void setProjector(bool on) { store_.setValue("projector", on); }

private:
    QString dataFolder_;
    QSettings store_;
};

} // namespace kurtoscope
