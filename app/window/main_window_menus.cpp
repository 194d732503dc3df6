// SPDX-License-Identifier: GPL-3.0-or-later
// The menus of the main window, and what their entries do.
#include "app/window/main_window.h"

#include "app/window/beside.h"
#include "app/window/edit_recipe_dialog.h"
#include "app/window/session.h"
#include "app/window/shortcut_sheet.h"
#include "app/window/tour.h"
#include "app/window/training_window.h"
#include "app/window/view_docks.h"
#include "core/workbench.h"
#include "widgets/panels/header_bar.h"
#include "widgets/parts/table_text.h"
#include "widgets/view.h"

#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QDockWidget>
#include <QFileInfo>
#include <QInputDialog>
#include <QMenuBar>
#include <QMessageBox>
#include <QStatusBar>
#include <QTableView>

namespace kurtoscope {

QAction* MainWindow::add(QMenu* menu, const QString& text, const QKeySequence& keys, const char* name,
                         const std::function<void()>& act) {
    QAction* action = menu->addAction(text);
    action->setObjectName(name);
    action->setShortcut(keys);
    connect(action, &QAction::triggered, this, act);
    return action;
}

void MainWindow::makeMenus() {
    makeFileMenu();
    makeEditMenu();
    makeDataMenu();
    makeColumnsMenu();
    makeViewMenu();
    makeHelpMenu();
    followActions();
    followTask();
}

void MainWindow::makeEditMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Edit"));
    const auto fromStack = [menu](QAction* action, const QList<QKeySequence>& keys, const char* name,
                                  const QString& sheet) {
        action->setShortcuts(keys);
        action->setObjectName(name);
        action->setProperty("sheet", sheet); // its text names the last change
        menu->addAction(action);
    };
    fromStack(session_.undoStack().createUndoAction(this, tr("Undo")), {QKeySequence("Ctrl+Z")}, "undo",
              tr("Undo"));
    fromStack(session_.undoStack().createRedoAction(this, tr("Redo")),
              {QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")}, "redo", tr("Redo"));
    menu->addSeparator();
    add(menu, tr("&Keep or release the selected channel"), QKeySequence("K"), "toggleSelected", [this] {
        const Workspace& workspace = session_.workspace();
        if (workspace.channel >= 0) session_.toggleChannels(workspace.site, {workspace.channel});
    });
    add(menu, tr("Keep &outliers…"), QKeySequence("Ctrl+K"), "keepOutliers", [this] { keepOutliers(); });
    add(menu, tr("Keep a &list of channels…"), QKeySequence("Ctrl+L"), "keepList", [this] { keepList(); });
    add(menu, tr("&Clear kept channels"), QKeySequence("Ctrl+Shift+K"), "clearKept",
        [this] { session_.clearKept(); });
    menu->addSeparator();
    QMenu* copy = menu->addMenu(tr("Copy &table as"));
    const auto copyAs = [this](QString (*write)(const QAbstractItemModel&)) {
        const auto* table = view("compare")->findChild<QTableView*>("comparison");
        QApplication::clipboard()->setText(write(*table->model()));
        statusBar()->showMessage(tr("The table is on the clipboard"), 4000);
    };
    add(copy, tr("&Markdown"), QKeySequence("Ctrl+Shift+M"), "copyMarkdown",
        [copyAs] { copyAs(markdownTable); });
    add(copy, tr("&LaTeX"), QKeySequence("Ctrl+Shift+L"), "copyLatex", [copyAs] { copyAs(latexTable); });
    findChild<QAction*>("copyMarkdown")->setProperty("sheet", tr("Copy table as Markdown"));
    findChild<QAction*>("copyLatex")->setProperty("sheet", tr("Copy table as LaTeX"));
    menu->addSeparator();
    add(menu, tr("&Stop"), QKeySequence("Ctrl+."), "stop", [this] { session_.stop(); });
    add(menu, tr("&Run again"), QKeySequence("F5"), "runAgain", [this] { session_.runAgain(); });
}

void MainWindow::makeDataMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Data"));
    add(menu, tr("&Open data…"), QKeySequence("Ctrl+D"), "openData", [this] { chooseData(); });
    listTasks(menu->addMenu(tr("&Task")));
    connect(&session_, &Session::failed, this, &MainWindow::followTask); // what was open goes on
}

void MainWindow::makeColumnsMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Columns"));
    listSchemes(menu->addMenu(tr("&Add")));
    add(menu, tr("&Duplicate"), QKeySequence("Ctrl+Shift+D"), "duplicate",
        [this] { session_.duplicateColumn(session_.workspace().active); });
    add(menu, tr("&Edit recipe…"), QKeySequence("Ctrl+R"), "editRecipe", [this] { editRecipe(); });
    add(menu, tr("Re&name…"), QKeySequence("F2"), "rename", [this] { renameActive(); });
    add(menu, tr("&Remove"), QKeySequence("Ctrl+Backspace"), "remove",
        [this] { session_.removeColumn(session_.workspace().active); });
    menu->addSeparator();
    const auto move = [this](int by) {
        const int active = session_.workspace().active;
        session_.moveColumn(active, active + by);
    };
    add(menu, tr("Move &left"), QKeySequence("Alt+Left"), "moveLeft", [move] { move(-1); });
    add(menu, tr("Move ri&ght"), QKeySequence("Alt+Right"), "moveRight", [move] { move(1); });
    QAction* pin = add(menu, tr("&Pin as reference"), QKeySequence("Ctrl+P"), "pinColumn",
                       [this] { session_.pinColumn(session_.workspace().active); });
    pin->setCheckable(true);
    pin->setToolTip(tr("Differences are shown against this column instead of FP32"));
    QMenu* copy = menu->addMenu(tr("&Copy kept channels to"));
    copy->setObjectName("copyKept");
    connect(copy, &QMenu::aboutToShow, this, [this, copy] { listCopyTargets(copy); });
    menu->addSeparator();
    const auto step = [this](int by) {
        const int count = static_cast<int>(session_.workspace().columns.size());
        if (count > 0) session_.activateColumn((session_.workspace().active + by + count) % count);
    };
    add(menu, tr("Ne&xt column"), QKeySequence("Ctrl+Right"), "nextColumn", [step] { step(1); });
    add(menu, tr("&Previous column"), QKeySequence("Ctrl+Left"), "previousColumn", [step] { step(-1); });
}

void MainWindow::makeViewMenu() {
    viewMenu_ = menuBar()->addMenu(tr("&View"));
    viewMenu_->setToolTipsVisible(true);
    docks_->fillMenu(viewMenu_);
    viewMenu_->addSeparator();
    add(viewMenu_, tr("Training r&uns…"), {}, "trainingRuns", [this] { showTraining(); });
    viewMenu_->addSeparator();
    add(viewMenu_, tr("Ne&xt view"), QKeySequence("F6"), "nextView", [this] { docks_->step(1); });
    add(viewMenu_, tr("Pre&vious view"), QKeySequence("Shift+F6"), "previousView",
        [this] { docks_->step(-1); });
    viewMenu_->addSeparator();
    QAction* skip = add(viewMenu_, tr("Leave out each window's &first token"), QKeySequence("Ctrl+1"),
                        "skipFirstToken", [] {});
    skip->setCheckable(true);
    connect(skip, &QAction::toggled, &session_, &Session::setSkipFirstToken);
    viewMenu_->addSeparator();
    QMenu* themes = viewMenu_->addMenu(tr("&Theme"));
    auto* group = new QActionGroup(this);
    const std::pair<const char*, QString> names[] = {
        {"light", tr("&Light")}, {"dark", tr("&Dark")}, {"system", tr("As the &system")}};
    for (const auto& [name, title] : names) {
        QAction* action = add(themes, title, {}, name, [this, theme = QString(name)] {
            settings_.setTheme(theme);
            useTheme(theme);
        });
        action->setCheckable(true);
        action->setChecked(settings_.theme() == name);
        group->addAction(action);
    }
    QAction* projector =
        add(viewMenu_, tr("&Projector (large type)"), QKeySequence("Ctrl+Shift+P"), "projector", [] {});
    projector->setCheckable(true);
    projector->setChecked(settings_.projector());
    connect(projector, &QAction::toggled, this, &MainWindow::useProjector);
    add(viewMenu_, tr("&Full screen"), QKeySequence("F11"), "fullScreen",
        [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
    add(viewMenu_, tr("&Reset layout"), {}, "resetLayout", [this] {
        settings_.forgetWindow();
        docks_->arrange();
    });
}

void MainWindow::showTraining() {
    if (first_) return first_->showTraining();
    auto* window = findChild<TrainingWindow*>();
    if (!window) {
        window = new TrainingWindow(this);
        connect(window, &TrainingWindow::checkpointAsked, this, &MainWindow::openModel);
        connect(window, &TrainingWindow::besideAsked, this, &MainWindow::openBeside);
        connect(window, &TrainingWindow::checkpointChosen, beside_, &Beside::follow);
        connect(window, &TrainingWindow::emergenceAsked, this, [this](const QString& run, int after) {
            session_.askEmergence(run, after, QDir::cleanPath(settings_.dataFolder() + "/../emergence"));
        });
        connect(window, &TrainingWindow::emergenceDropped, &session_, &Session::dropEmergence);
        connect(&session_, &Session::emergenceSeen, window, &TrainingWindow::takeEmergence);
        connect(&session_, &Session::emergenceEnded, window, &TrainingWindow::endEmergence);
        connect(&session_, &Session::changed, window, [window](Changes what) {
            if (what & Change::theme) window->applyTheme();
        });
    }
    window->show();
    window->raise();
    window->activateWindow();
}

void MainWindow::openBeside(const QString& checkpoint, const QString& last) {
    const auto& model = session_.workspace().model;
    const bool stands = model && QFileInfo(QString::fromStdString(model->path)) == QFileInfo(last);
    if (stands || openModel(last)) beside_->open(checkpoint, stands);
}

void MainWindow::makeHelpMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Help"));
    QAction* sheet = add(menu, tr("&Shortcuts"), QKeySequence("?"), "shortcuts", [this] { showShortcuts(); });
    sheet->setShortcuts({QKeySequence("?"), QKeySequence("F1")});
    add(menu, tr("&Tour"), {}, "tour", [this] { startTour(); });
    add(menu, tr("&About Kurtoscope"), {}, "about", [this] { showAbout(); });
}

void MainWindow::followActions() {
    const bool open = session_.workspace().model != nullptr;
    const int active = session_.workspace().active;
    const bool quantized = active > 0 && session_.workspace().activeColumn();
    const std::pair<const char*, bool> enabled[] = {
        {"openData", open},
        {"exportRecipe", open && quantized},
        {"exportModel", open && quantized},
        {"toggleSelected", open},
        {"keepOutliers", open && quantized && session_.workspace().baseline()},
        {"clearKept", quantized},
        {"duplicate", open},
        {"rename", open},
        {"remove", open && active > 0},
        {"editRecipe", quantized},
        {"keepList", open && quantized && session_.workspace().baseline()},
        {"moveLeft", active > 1},
        {"moveRight", active > 0 && active + 1 < static_cast<int>(session_.workspace().columns.size())},
        {"pinColumn", quantized},
        {"report", open},
        {"copyMarkdown", open},
        {"copyLatex", open},
        {"saveSession", open || session_.awaitsModel()},
        {"saveSessionAs", open || session_.awaitsModel()},
        {"locateModel", session_.awaitsModel()},
    };
    for (const auto& [name, on] : enabled)
        if (auto* action = findChild<QAction*>(name)) action->setEnabled(on);
    tasks_->setEnabled(open);
    findChild<QAction*>("skipFirstToken")->setChecked(session_.workspace().skipFirstToken);
    findChild<QAction*>("pinColumn")
        ->setChecked(session_.workspace().reference > 0 && session_.workspace().reference == active);
}

void MainWindow::followTask() {
    const QString asked = QString::fromStdString(session_.data().task);
    for (QAction* action : tasks_->actions())
        action->setChecked(action->data().toString() == asked);
}

void MainWindow::listTasks(QMenu* menu) {
    menu->setToolTipsVisible(true);
    tasks_ = new QActionGroup(this);
    const auto offer = [this, menu](const std::string& id, const QString& title, const QString& summary) {
        QAction* action = menu->addAction(title);
        action->setObjectName("task-" + QString::fromStdString(id));
        action->setData(QString::fromStdString(id));
        action->setToolTip(summary);
        action->setCheckable(true);
        tasks_->addAction(action);
        connect(action, &QAction::triggered, this, [this, id] { chooseTask(id); });
    };
    offer("", tr("&Picked by model and file"), tr("The task that fits both best"));
    for (const auto& task : Workbench::tasks())
        offer(task.id, QString::fromStdString(task.title), QString::fromStdString(task.summary));
}

void MainWindow::listSchemes(QMenu* menu) {
    for (const auto& scheme : Workbench::schemes()) {
        QAction* action = menu->addAction(QString::fromStdString(scheme.title));
        action->setObjectName("add-" + QString::fromStdString(scheme.id));
        action->setToolTip(QString::fromStdString(scheme.summary));
        menu->setToolTipsVisible(true);
        connect(action, &QAction::triggered, this, [this, scheme] {
            Recipe recipe;
            recipe.scheme = scheme.id;
            session_.addColumn(QString::fromStdString(scheme.title), recipe);
        });
    }
}

void MainWindow::listCopyTargets(QMenu* menu) {
    menu->clear();
    const auto& columns = session_.workspace().columns;
    const int active = session_.workspace().active;
    for (int column = 1; column < static_cast<int>(columns.size()); ++column) {
        if (column == active) continue;
        QAction* action = menu->addAction(columns[static_cast<std::size_t>(column)].name);
        connect(action, &QAction::triggered, this,
                [this, active, column] { session_.copyKept(active, column); });
    }
    if (menu->isEmpty()) menu->addAction(tr("There is no other column"))->setEnabled(false);
}

void MainWindow::renameActive() {
    const Column* column = session_.workspace().activeColumn();
    if (!column) return;
    bool taken = false;
    const QString name = QInputDialog::getText(this, tr("Rename"), tr("Name of the column"),
                                               QLineEdit::Normal, column->name, &taken);
    if (taken) session_.renameColumn(session_.workspace().active, name);
}

void MainWindow::editRecipe() {
    const Column* column = session_.workspace().activeColumn();
    const int index = session_.workspace().active;
    if (!column || index == 0) return;
    auto* dialog = new EditRecipeDialog(column->name, column->recipe, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setModal(true);
    connect(dialog, &QDialog::accepted, this,
            [this, dialog, index] { session_.setRecipe(index, dialog->recipe()); });
    dialog->show();
}

void MainWindow::chooseTask(const std::string& id) {
    DataRequest data = session_.data();
    data.task = id;
    session_.requestData(data);
}

void MainWindow::useProjector(bool on) {
    settings_.setProjector(on);
    useTheme(settings_.theme());
}

Tour* MainWindow::startTour() {
    if (auto* running = findChild<Tour*>()) return running;
    settings_.setTourSeen(true);
    std::vector<Tour::Step> steps{
        {docks_->dockOf(view("model-map")), tr("Which tensor"),
         tr("The model, layer by layer. Click a Place to see its channels; a hot colour means that few "
            "channels are far "
            "larger than the others.")},
        {docks_->dockOf(view("channel-map")), tr("Where the outliers live"),
         tr("Every layer and channel of the chosen Place. A bright line down the map is an outlier channel. "
            "Click it to keep "
            "it in high precision, and click again to let it go.")},
        {docks_->dockOf(view("channel-panel")), tr("What one channel does"),
         tr("The selected channel against all others, along the text and through the model.")},
        {docks_->dockOf(view("compare")), tr("What it is worth"),
         tr("One column for each way to quantize, FP32 at the left. Colour appears only where a difference "
            "exceeds twice its "
            "error. Columns ▸ Edit recipe… changes one; Columns ▸ Add begins another.")},
        {header_, tr("Keep outliers, undo, save"),
         tr("Keep outliers… keeps all that a criterion marks. Everything can be undone, and File ▸ Save "
            "session keeps it for "
            "the next lecture. Press ? for the shortcuts.")}};
    return new Tour(std::move(steps), this);
}

void MainWindow::showShortcuts() {
    auto* sheet = new ShortcutSheet(this);
    sheet->setAttribute(Qt::WA_DeleteOnClose);
    sheet->show();
}

void MainWindow::showAbout() {
    const QString device = session_.workspace().deviceText;
    QMessageBox::about(
        this, tr("About Kurtoscope"),
        tr("<b>Kurtoscope %1</b><p>Shows where a transformer's activation outliers live, and what keeping "
           "some channels in high precision is worth.<p>Qt %2%3<p>GPL-3.0-or-later")
            .arg(QString::fromStdString(Workbench::version()), qVersion(),
                 device.isEmpty() ? QString() : " · " + device.toHtmlEscaped()));
}

} // namespace kurtoscope
