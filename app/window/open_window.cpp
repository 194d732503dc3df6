// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/open_window.h"

#include "app/known_models.h"
#include "app/window/first_files.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "app/window/start_options.h"
#include "core/base/error.h"

#include <QApplication>
#include <QFileInfo>
#include <QIcon>
#include <QLocale>
#include <QTemporaryDir>
#include <QTimer>
#include <QTranslator>

#include <cstdlib>
#include <iostream>
#include <string>

namespace kurtoscope {
namespace {

constexpr int failedCode = 1, misusedCode = 2;

// Without a display Qt would end the program with an abort instead of a sentence.
bool hasDisplay() {
    return std::getenv("DISPLAY") || std::getenv("WAYLAND_DISPLAY") || std::getenv("QT_QPA_PLATFORM");
}

void complain(const QString& sentence) {
    std::cerr << "kurtoscope: " << sentence.toStdString() << '\n';
}

// Saves the window once everything that is wanted stands, and leaves; at the first failure it leaves without.
class ScreenshotTaker : public QObject {
public:
    ScreenshotTaker(MainWindow& window, Session& session, const QString& file)
        : window_(window), session_(session), file_(file) {
        connect(&session, &Session::settled, this, [this] {
            if (session_.workspace().model) takeSoon();
        });
        connect(&session, &Session::failed, this,
                [this](const QString& what, const QString& where, const QString& hint) {
                    failed_ = true;
                    QStringList parts{where, what, hint};
                    parts.removeAll(QString());
                    complain(parts.join(": "));
                    QCoreApplication::exit(failedCode);
                });
    }

private:
    void takeSoon() { // after what the views have yet to draw
        if (std::exchange(asked_, true)) return;
        QTimer::singleShot(150, this, [this] {
            asked_ = false;
            if (failed_ || !session_.isSettled()) return; // it leaves already, or will settle again
            QString whyNot;
            const bool saved = window_.saveScreenshot(file_, &whyNot);
            if (!saved) complain(file_ + " was not written: " + whyNot);
            QCoreApplication::exit(saved ? 0 : failedCode);
        });
    }

    MainWindow& window_;
    Session& session_;
    QString file_;
    bool asked_ = false, failed_ = false;
};

} // namespace

int openWindow(int argc, char** argv) {
    QStringList arguments;
    for (int i = 0; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    const ParsedOptions parsed = parseStartOptions(arguments);
    if (!parsed.options) {
        (parsed.exitCode == 0 ? std::cout : std::cerr) << parsed.text.toStdString() << '\n';
        return parsed.exitCode;
    }
    const StartOptions& start = *parsed.options;
    QString model = start.model.isEmpty() ? firstModel() : start.model;
    const bool isSession = looksLikeSession(model);
    if (isSession && !QFileInfo::exists(model)) {
        complain(model + ": there is no such session");
        return failedCode;
    }
    try {
        if (!model.isEmpty() && !isSession) model = QString::fromStdString(modelPath(model.toStdString()));
    } catch (const Error&) {
        complain('"' + model + "\" is no model and no command\nSee kurtoscope --help.");
        return misusedCode;
    }
    if (!hasDisplay()) {
        if (start.screenshot.isEmpty()) {
            complain("there is no display to open a window on. The sub-commands need none (kurtoscope "
                     "--help), nor does "
                     "--screenshot FILE.png");
            return failedCode;
        }
        qputenv("QT_QPA_PLATFORM", "offscreen");
    }

    QApplication app(argc, argv);
    QApplication::setApplicationName("kurtoscope");
    QApplication::setApplicationDisplayName("Kurtoscope");
    QApplication::setDesktopFileName("kurtoscope");
    QApplication::setWindowIcon(QIcon(":/kurtoscope/icons/kurtoscope.png"));

    QTranslator words; // resources/translations says how to make one
    if (words.load(QLocale(), "kurtoscope", "_", QString::fromStdString(resourceFile("translations"))))
        QApplication::installTranslator(&words);

    Session session(start.engine, start.columns);
    DataRequest data = start.data;
    if (data.path.empty()) data.path = textFor(isSession ? QString() : model).toStdString();
    session.setDefaultData(data);

    const QTemporaryDir unremembered; // a picture looks the same whatever was left behind
    MainWindow window(session, start.screenshot.isEmpty() ? QString() : unremembered.filePath("window.ini"),
                      start.theme);
    if (start.size.isValid()) window.resize(start.size);
    window.setDataChosen(!start.data.path.empty());
    window.show();

    std::optional<ScreenshotTaker> taker;
    if (!start.screenshot.isEmpty()) {
        if (model.isEmpty()) {
            complain("no model was given and none is at hand: name a folder or a GGUF file");
            return failedCode;
        }
        taker.emplace(window, session, start.screenshot);
    }
    if (isSession)
        window.openSession(model);
    else if (!model.isEmpty())
        window.openModel(model);
    if (start.screenshot.isEmpty()) {
        window.offerRecovery();
        if (!window.settings().tourSeen())
            QTimer::singleShot(0, &window, [&window] { window.startTour(); }); // once it is laid out
    }
    return QApplication::exec();
}

} // namespace kurtoscope
