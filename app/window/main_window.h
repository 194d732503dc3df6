// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/model_list.h"
#include "app/window/session_file.h"
#include "app/window/settings.h"
#include "widgets/workspace.h"

#include <QList>
#include <QMainWindow>

#include <functional>
#include <vector>

class QActionGroup;
class QLabel;
class QMenu;

namespace kurtoscope {

class Beside;
class HeaderBar;
class MessageBar;
class Session;
class Tour;
class View;
class ViewDocks;
class ViewTurns;

// The window: every registered view in its place, around the session it is given. The session outlives it. It
// holds no state of its own but where things stand.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    MainWindow(Session& session, const QString& settingsFile = {},
               const QString& theme = {}); // "": as remembered
    // A second window, beside `first` and gone before it: nothing of it is remembered or autosaved.
    MainWindow(Session& session, MainWindow& first);

    const std::vector<View*>& views() const { return views_; }
    View* view(const char* id) const;  // by registry id; null for an unknown one
    void bringForward(const char* id); // opened, and before what stands in the same place
    Settings& settings() { return settings_; }
    Beside& beside() { return *beside_; } // of a first window only

    void setDataChosen(bool chosen) {
        dataChosen_ = chosen;
    }                                    // else a model opens with the text that suits it
    bool openModel(const QString& path); // false: the person would rather keep what is open
    void openData(const QString& path);
    void openSession(const QString& path);
    void openAny(const QString& path); // a model, a session or a text, by what it looks like
    SessionFile& sessionFile() { return file_; }
    Tour* startTour();
    void offerRecovery();                 // of what a crash left behind
    void useTheme(const QString& name);   // light, dark or system
    void saveReport(const QString& path); // .html or .pdf; says where it failed
    bool saveScreenshot(const QString& path, QString* whyNot);
    void showMessage(const QString& what, const QString& where, const QString& hint);

signals:
    void closed(); // by the person or with the first window

protected:
    void closeEvent(QCloseEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    MainWindow(Session& session, const QString& settingsFile, const QString& theme, MainWindow* first);
    void takeTheme(); // once it is another one
    void makePanels();
    void makeViews();
    void connectView(View* view);
    void makeStatusLine();

    void makeMenus();
    void makeFileMenu();
    void connectFiles();
    void followFile(); // title and status line
    void listRecent(QMenu* menu);
    void chooseSession();
    void saveSession();
    bool saveSessionAs(bool wait);
    void locateModel();
    bool mayClose(); // asks about what is unsaved in a named session
    void offer(const QString& what, const QString& hint, const QString& action,
               const std::function<void()>& accepted, const std::function<void()>& dismissed = {});
    std::string layout() const;
    void takeLayout(const QByteArray& layout);
    void makeEditMenu();
    void makeDataMenu();
    void makeColumnsMenu();
    void makeViewMenu();
    void makeHelpMenu();
    QAction* add(QMenu* menu, const QString& text, const QKeySequence& keys, const char* name,
                 const std::function<void()>& act);
    void listModels(QMenu* menu);
    void listSchemes(QMenu* menu);
    void listTasks(QMenu* menu);

    void chooseModel();
    void chooseFolder();
    void chooseGguf();
    void chooseData();
    void chooseScreenshot();
    void exportRecipe();
    void exportModel();
    void chooseReport();
    void keepOutliers();
    void keepList();
    void listCopyTargets(QMenu* menu);
    void renameActive();
    void editRecipe();
    void chooseTask(const std::string& id); // "": picked by model and file
    void useProjector(bool on);
    void showShortcuts();
    void showTraining();
    void openBeside(const QString& checkpoint, const QString& last);
    void showAbout();

    void follow(Changes what); // the session changed
    void followActions();
    void followTask();
    void followPanels(Changes what);

    Session& session_;
    MainWindow* first_ = nullptr; // of a second window: the one that it stands beside
    Settings settings_;
    SessionFile file_;
    std::function<void()> offerAccepted_, offerDismissed_;
    QString theme_; // light, dark or system
    Beside* beside_ = nullptr;
    HeaderBar* header_ = nullptr;
    MessageBar* messages_ = nullptr;
    std::vector<View*> views_;
    ViewDocks* docks_ = nullptr;
    ViewTurns* turns_ = nullptr;
    QLabel *selection_ = nullptr, *kept_ = nullptr, *saved_ = nullptr;
    QMenu* viewMenu_ = nullptr;
    QActionGroup* tasks_ = nullptr;
    ModelList models_;
    bool dataChosen_ = false, arranged_ = false, systemIsDark_ = false;
};

} // namespace kurtoscope
