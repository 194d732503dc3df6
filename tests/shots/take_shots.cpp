// SPDX-License-Identifier: GPL-3.0-or-later
// Every view of the window and every page of the window of training runs in both themes, as pictures to look
// at; with single pixels its dialogs and states too. Usage: take_shots MODEL FOLDER NAME [2], 2 for twice the
// pixels
#include "app/window/main_window.h"
#include "app/window/session.h"
#include "app/window/tour.h"
#include "app/window/training_window.h"
#include "widgets/panels/message_bar.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/sections.h"
#include "widgets/view.h"

#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QDialog>
#include <QDir>
#include <QDockWidget>
#include <QHash>
#include <QImage>
#include <QPushButton>
#include <QTabBar>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace kurtoscope;

namespace {

constexpr int patience = 600000;

// In 256 colours, which look alike and take half the room: the most common one, then always the one that
// those chosen so far serve worst.
QImage inFewColours(const QImage& picture) {
    const QImage from = picture.convertToFormat(QImage::Format_RGB32);
    QHash<QRgb, int> counts;
    for (int y = 0; y < from.height(); ++y)
        for (int x = 0; x < from.width(); ++x)
            ++counts[from.pixel(x, y)];
    struct Colour {
        QRgb rgb;
        double count, away;
        int nearest;
    };
    std::vector<Colour> colours;
    for (auto it = counts.cbegin(); it != counts.cend(); ++it)
        colours.push_back({it.key(), static_cast<double>(it.value()), 1e9, 0});
    QList<QRgb> palette;
    while (palette.size() < 256) {
        const auto worst = std::ranges::max_element(
            colours, {}, [](const Colour& colour) { return colour.count * colour.away; });
        if (worst->away == 0) break;
        palette.append(worst->rgb);
        for (Colour& colour : colours) {
            const int red = qRed(colour.rgb) - qRed(palette.last()),
                      green = qGreen(colour.rgb) - qGreen(palette.last()),
                      blue = qBlue(colour.rgb) - qBlue(palette.last());
            const double away = red * red + green * green + blue * blue;
            if (away < colour.away) colour.away = away, colour.nearest = static_cast<int>(palette.size()) - 1;
        }
    }
    QHash<QRgb, int> indices;
    for (const Colour& colour : colours)
        indices[colour.rgb] = colour.nearest;
    QImage image(from.size(), QImage::Format_Indexed8);
    image.setColorTable(palette);
    for (int y = 0; y < from.height(); ++y)
        for (int x = 0; x < from.width(); ++x)
            image.setPixel(x, y, static_cast<uint>(indices[from.pixel(x, y)]));
    return image;
}

class Photographer {
public:
    Photographer(Session& session, MainWindow& window, QString start, bool viewsOnly)
        : session_(session), window_(window), start_(std::move(start)), viewsOnly_(viewsOnly) {}

    bool settle() const {
        return QTest::qWaitFor([&] { return session_.isSettled() && session_.hasFirstResults(); }, patience);
    }
    void take(QWidget& widget, const QString& name) const {
        QTest::qWait(30);
        const QString path = start_ + '-' + name + (viewsOnly_ ? "@2x.png" : ".png");
        if (!inFewColours(widget.grab().toImage()).save(path, "PNG", 0)) // 0: as small as it gets
            std::fprintf(stderr, "%s was not written\n", qPrintable(path));
    }
    // The dock, whose title bar holds the view's heading.
    void takeView(const char* id, const QString& name) const {
        window_.bringForward(id);
        QTest::qWait(30);
        window_.view(id)->drawWhole();
        take(*window_.findChild<QDockWidget*>(QString("dock-") + id), name);
    }
    QComboBox* choice(const char* id, const char* entry) const {
        for (auto* box : window_.view(id)->heading()->findChildren<QComboBox*>())
            if (box->findText(entry) >= 0) return box;
        for (auto* box : window_.view(id)->findChildren<QComboBox*>())
            if (box->findText(entry) >= 0) return box;
        return nullptr;
    }
    void choose(const char* id, const char* entry) const {
        if (QComboBox* box = choice(id, entry)) box->setCurrentIndex(box->findText(entry));
        settle();
    }
    // A dialog may run a loop of its own, so the picture is taken from within.
    void takeDialog(const char* opens, const QString& name) const {
        bool taken = false;
        QTimer::singleShot(1500, &window_, [&] {
            auto* dialog = window_.findChild<QDialog*>();
            if (dialog) take(*dialog, name), dialog->reject();
            taken = true;
        });
        window_.findChild<QAction*>(opens)->trigger();
        if (!QTest::qWaitFor([&] { return taken; }, patience)) std::fprintf(stderr, "no %s\n", opens);
        QTest::qWait(50);
    }
    void takeWindow(const QString& name, const QList<QSize>& sizes = {{1280, 800}}) const {
        for (const QSize size : sizes) {
            window_.resize(size);
            window_.findChild<QAction*>("resetLayout")->trigger();
            QTest::qWait(100);
            for (View* view : window_.views())
                view->drawWhole();
            take(window_, name + '-' + QString::number(size.width()));
        }
    }
    void takeAll(const QString& theme) const {
        window_.useTheme(theme);
        const auto named = [&](const char* what) { return QString(what) + '-' + theme; };
        takeWindow(named("window"),
                   viewsOnly_ ? QList<QSize>{{1280, 800}} : QList<QSize>{{1280, 800}, {1680, 1040}});
        window_.resize(1280, 800); // where room is least
        window_.findChild<QAction*>("resetLayout")->trigger();
        QTest::qWait(100);
        for (View* view : window_.views())
            takeView(qPrintable(view->objectName()), named(qPrintable(view->objectName())));
        auto* sections = window_.view("channel-panel")->findChild<Sections*>();
        for (int tab = 1; tab < sections->tabs()->count(); ++tab) {
            sections->bringForward(tab);
            takeView("channel-panel",
                     named(qPrintable("channel-panel-" + sections->tabs()->tabText(tab).toLower())));
        }
        sections->bringForward(0);
        choose("channel-map", "Places");
        takeView("channel-map", named("channel-map-places"));
        choose("channel-map", "layers");
        choose("depth-curves", "Places");
        takeView("depth-curves", named("depth-curves-places"));
        choose("depth-curves", "recipes");
        choose("token-map", "3-D bars");
        takeView("token-map", named("token-map-bars"));
        choose("token-map", "map");
        choose("trade-off", "bits per weight");
        takeView("trade-off", named("trade-off-bits"));
        choose("trade-off", "kept channels");
        if (viewsOnly_) return;
        for (const char* opens :
             {"openModel", "keepOutliers", "keepList", "editRecipe", "exportModel", "shortcuts"})
            takeDialog(opens, named(opens));
        window_.showMessage("cannot read the weights: the file ends at byte 1,024 of 98,362,432",
                            "models/broken.gguf", "Fetch it again, or open another model.");
        takeWindow(named("message"));
        window_.findChild<MessageBar*>()->dismiss();
    }
    // The window of training runs over those that this project brings, once all checkpoints were looked at.
    void takeTraining(const QString& theme) const {
        window_.useTheme(theme);
        window_.findChild<QAction*>("trainingRuns")->trigger();
        auto* training = window_.findChild<TrainingWindow*>();
        training->add(KURTOSCOPE_SOURCE_DIR "/sample_models/training-lab");
        auto* pages = training->findChild<QTabWidget*>("trainingPages");
        pages->tabBar()->setFocus(); // where the click that turns a page leaves it
        const char* names[] = {"curves", "emergence", "migration"};
        for (int page = 0; page < pages->count(); ++page) {
            pages->setCurrentIndex(page);
            for (int still = 0; still < 5; ++still) {
                QTest::qWait(100);
                if (session_.isWorking()) still = 0;
            }
            take(*training, QString(names[page]) + '-' + theme);
        }
        training->close();
    }
    // What needs a start of its own: before any model, at the back of a room, on the first day.
    void takeEmpty(const QString& theme) const {
        window_.useTheme(theme);
        if (!viewsOnly_) takeWindow("empty-" + theme);
    }
    void takeLarge() const {
        window_.findChild<QAction*>("projector")->setChecked(true);
        takeWindow("projector", {{1280, 800}, {1680, 1040}});
        window_.findChild<QAction*>("projector")->setChecked(false);
        window_.resize(1280, 800);
        window_.findChild<QAction*>("resetLayout")->trigger();
        QTest::qWait(100);
        auto* tour = window_.startTour();
        QTest::qWait(50);
        take(window_, "tour");
        delete tour;
    }

private:
    Session& session_;
    MainWindow& window_;
    QString start_;
    bool viewsOnly_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: take_shots MODEL FOLDER NAME [2]\n", stderr);
        return 2;
    }
    qputenv("HOME", "/home/lecturer"); // the export dialog proposes a folder there
    if (argc > 4) qputenv("QT_SCALE_FACTOR", "2");
    if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const QTemporaryDir folder;
    Session session(WorkbenchOptions{DeviceKind::cpu, 2, 1});
    DataRequest data;
    data.path = KURTOSCOPE_SOURCE_DIR "/resources/demo_text.txt";
    data.windows = 4;
    data.length = 64;
    data.calibrationWindows = 2;
    session.setDefaultData(data);
    MainWindow window(session, folder.filePath("window.ini"), "light");
    window.setDataChosen(true);
    window.resize(1280, 800);
    window.show();
    const Photographer camera(session, window, QDir(argv[2]).filePath(argv[3]), argc > 4);
    for (const char* theme : {"dark", "light"})
        camera.takeEmpty(theme);
    window.openModel(argv[1]);
    if (!camera.settle()) return 1;
    session.typeText("Outliers live in few channels, and the first token is often one of them.");
    for (View* view : window.views()) { // what each needs is computed once it is in sight
        window.bringForward(qPrintable(view->objectName()));
        QTest::qWait(50);
        if (!camera.settle()) return 1;
    }
    if (auto* measure = window.view("sensitivity-map")->findChild<QPushButton*>("measure")) {
        window.bringForward("sensitivity-map");
        QTest::qWait(50);
        measure->click(); // a large model's map is shown as far as it came
        (void)QTest::qWaitFor(
            [&] {
                return session.workspace().sensitivity && session.workspace().sensitivity->found.complete;
            },
            60000);
        session.askSensitivity(false);
        if (!camera.settle()) return 1;
    }
    const Photographer ofRuns(session, window, QDir(argv[2]).filePath("training"), argc > 4);
    for (const char* theme : {"light", "dark"}) {
        camera.takeAll(theme);
        ofRuns.takeTraining(theme);
    }
    window.useTheme("light");
    if (argc == 4) camera.takeLarge();
    return 0;
}
