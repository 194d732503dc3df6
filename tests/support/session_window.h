// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/panels/message_bar.h"
#include "widgets/view.h"

#include <QAction>
#include <QSignalSpy>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

namespace kurtoscope::testing {

// The real window over the bundled model, with a folder of its own for settings, sessions and autosaves; it
// can be dropped and made anew, as a program that is started again.
class SessionWindow : public QObject {
protected:
    static constexpr int patience = 60000;
    static inline const QString tiny = QStringLiteral(KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama");

    std::unique_ptr<QTemporaryDir> folder_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<MainWindow> window_;

    const Workspace& workspace() const { return session_->workspace(); }
    const Recipe& active() const { return workspace().activeColumn()->recipe; }
    QAction* action(const char* name) { return window_->findChild<QAction*>(name); }
    MessageBar* bar() { return window_->findChild<MessageBar*>(); }
    QString at(const QString& name) const { return folder_->filePath(name); }

    void makeWindow() {
        session_ = std::make_unique<Session>(WorkbenchOptions{DeviceKind::cpu, 1, 1});
        DataRequest data;
        data.windows = 2;
        data.length = 64;
        data.calibrationWindows = 2;
        session_->setDefaultData(data);
        window_ = std::make_unique<MainWindow>(*session_, at("window.ini"), "light");
        window_->resize(1280, 860);
        window_->show();
        QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
        window_->activateWindow();
    }
    void dropWindow() {
        window_.reset();
        session_.reset();
    }
    void settle() { QTRY_VERIFY_WITH_TIMEOUT(session_->isSettled(), patience); }
    void open(const QString& model = tiny) {
        window_->openModel(model);
        settle();
        QVERIFY(session_->hasFirstResults());
    }
    bool saveAs(const QString& path) {
        QSignalSpy saved(&window_->sessionFile(), &SessionFile::saved);
        window_->sessionFile().save(path);
        return saved.wait(10000);
    }
    // The figures as the person reads them.
    QStringList figures() const {
        QStringList all;
        const auto* model = window_->view("compare")->findChild<QTableView*>()->model();
        for (int row = 0; row < model->rowCount(); ++row)
            for (int column = 0; column < model->columnCount(); ++column)
                all << model->index(row, column).data().toString();
        return all;
    }
};

} // namespace kurtoscope::testing
