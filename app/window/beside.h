// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/workspace.h"

#include <QByteArray>
#include <QObject>
#include <QSize>

#include <memory>

namespace kurtoscope {

class MainWindow;
class Session;

// A second window next to the first: another checkpoint of the run whose last one the first holds. It has a
// session, so an engine and a model, of its own; while both models have the same shape both windows show the
// same site, channel and token over the same data. Owned by the first window; GUI thread.
class Beside : public QObject {
    Q_OBJECT
public:
    Beside(Session& first, MainWindow& window);
    ~Beside() override;

    // `stands`: the first window holds its model already, else it is on its way. With a second window there,
    // its model is exchanged.
    void open(const QString& checkpoint, bool stands);
    bool close(); // false: the person would rather keep it; true also where there is none
    MainWindow* window() const { return window_.get(); }
    Session* session() const { return session_.get(); }

public slots:
    void follow(const QString& checkpoint); // exchanges the model for another checkpoint of the same run

private:
    void make(bool stands);
    void place();
    void end();
    void carry(Session& from, Session& to, Changes what);

    Session& firstSession_;
    MainWindow& first_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_; // after its session, before which it goes
    QString run_;                        // the folder of its checkpoints
    QByteArray geometry_;                // of the first window, before it made room
    QSize made_;                         // what was left to it
    bool carrying_ = false;
};

} // namespace kurtoscope
