// SPDX-License-Identifier: GPL-3.0-or-later
// How long a person waits: from the start to the window, to the first picture of the model's channels, to the
// last result, and what the engine was doing meanwhile. Usage: bench_first_picture MODEL [TEXT]
#include "app/window/first_files.h"
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "widgets/view.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTimer>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <unistd.h>

using namespace kurtoscope;

namespace {

// Milliseconds since this process began, its libraries' loading included; known to a hundredth of a second.
double sinceProcessBeganMs() {
    std::ifstream file("/proc/self/stat");
    std::string stat((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(stat.substr(stat.rfind(')') + 2)); // a name may hold blanks
    std::string field;
    for (int i = 3; i <= 22; ++i)
        fields >> field;
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9) * 1e3 -
           std::stod(field) * 1e3 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: %s MODEL [TEXT]\n", argv[0]), 2;
    QElapsedTimer clock;
    clock.start();
    const double loading = sinceProcessBeganMs();
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const QTemporaryDir unremembered;
    Session session({});
    MainWindow window(session, unremembered.filePath("window.ini"), "light");
    window.show();
    QApplication::processEvents(); // laid out, as a display would have it
    window.grab();                 // and painted
    std::printf(
        "%6lld ms  the window is shown, %.0f ms after the process began (%.0f ms of them to load it)\n",
        static_cast<long long>(clock.elapsed()), sinceProcessBeganMs(), loading);

    QString doing;
    QObject::connect(&session, &Session::progressed, [&](const QString& text) {
        if (text != doing)
            std::printf("%6lld ms  %s\n", static_cast<long long>(clock.elapsed()), qPrintable(text));
        doing = text;
    });
    bool drawn = false;
    QObject::connect(&session, &Session::changed, [&](Changes what) {
        if (drawn || !(what & Change::observation) || !session.workspace().baseline()) return;
        drawn = true;
        QTimer::singleShot(0, &window, [&] {
            window.grab();
            const Observation* seen = session.workspace().baseline();
            std::printf("%6lld ms  the first picture, of %d of %d windows: %s\n",
                        static_cast<long long>(clock.elapsed()), seen->windows, seen->windowsTotal,
                        qPrintable(window.view("channel-map")->describe()));
        });
    });
    int result = 0;
    QObject::connect(&session, &Session::settled, [&] {
        if (!session.workspace().model) return;
        window.grab();
        std::printf("%6lld ms  complete\n", static_cast<long long>(clock.elapsed()));
        QApplication::quit();
    });
    QObject::connect(&session, &Session::failed, [&](const QString& what, const QString& where) {
        std::fprintf(stderr, "%s: %s\n", qPrintable(where), qPrintable(what));
        result = 1;
    });
    QObject::connect(&session, &Session::openFailed, [] { QApplication::quit(); });
    DataRequest data;
    data.path = (argc > 2 ? QString::fromLocal8Bit(argv[2]) : textFor(argv[1])).toStdString();
    data.windows = 8;
    session.setDefaultData(data);
    window.setDataChosen(true);
    window.openModel(QString::fromLocal8Bit(argv[1]));
    QApplication::exec();
    return result;
}
