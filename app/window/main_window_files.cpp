// SPDX-License-Identifier: GPL-3.0-or-later
// Files that the window opens and saves: the File menu, drops, closing, and what a crash left behind.
#include "app/window/beside.h"
#include "app/window/export_dialog.h"
#include "app/window/first_files.h"
#include "app/window/main_window.h"
#include "app/window/open_dialog.h"
#include "app/window/pdf_page.h"
#include "app/window/session.h"
#include "app/window/window_report.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include "widgets/view.h"

#include <QCloseEvent>
#include <QDir>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QLocale>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QStatusBar>

namespace kurtoscope {
namespace {

QString text(const std::string& utf8) {
    return QString::fromStdString(utf8);
}

const QString sessionFilter = QStringLiteral("*.kurtoscope.json");

QString withSuffix(QString path) {
    if (looksLikeSession(path)) return path;
    if (path.endsWith(QLatin1String(".json"))) path.chop(5);
    return path + QLatin1String(sessionSuffix.data(), sessionSuffix.size());
}

} // namespace

void MainWindow::makeFileMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&File"));
    add(menu, tr("&Open model…"), QKeySequence("Ctrl+O"), "openModel", [this] { chooseModel(); });
    add(menu, tr("Open model &folder…"), {}, "openFolder", [this] { chooseFolder(); });
    add(menu, tr("Open &GGUF file…"), QKeySequence("Ctrl+G"), "openGguf", [this] { chooseGguf(); });
    QMenu* known = menu->addMenu(tr("&Models at hand"));
    known->setObjectName("modelsAtHand");
    known->setToolTipsVisible(true);
    connect(known, &QMenu::aboutToShow, this, [this, known] {
        models_.look();
        listModels(known);
    });
    connect(&models_, &ModelList::found, this, [this, known] { listModels(known); });
    QMenu* recent = menu->addMenu(tr("&Recent"));
    recent->setObjectName("recent");
    recent->setToolTipsVisible(true);
    connect(recent, &QMenu::aboutToShow, this, [this, recent] { listRecent(recent); });
    add(menu, tr("&Locate model…"), {}, "locateModel", [this] { locateModel(); });
    menu->addSeparator();
    add(menu, tr("Open s&ession…"), QKeySequence("Ctrl+Shift+O"), "openSession", [this] { chooseSession(); });
    add(menu, tr("&Save session"), QKeySequence("Ctrl+S"), "saveSession", [this] { saveSession(); });
    add(menu, tr("Save session &as…"), QKeySequence("Ctrl+Alt+S"), "saveSessionAs",
        [this] { saveSessionAs(false); });
    menu->addSeparator();
    add(menu, tr("Expor&t…"), QKeySequence("Ctrl+E"), "exportModel", [this] { exportModel(); });
    add(menu, tr("E&xport recipe as JSON…"), QKeySequence("Ctrl+Alt+E"), "exportRecipe",
        [this] { exportRecipe(); });
    add(menu, tr("&Report…"), QKeySequence("Ctrl+Shift+R"), "report", [this] { chooseReport(); });
    add(menu, tr("Save s&creenshot…"), QKeySequence("Ctrl+Shift+S"), "screenshot",
        [this] { chooseScreenshot(); });
    menu->addSeparator();
    add(menu, first_ ? tr("&Close this window") : tr("&Quit"), QKeySequence("Ctrl+Q"), "quit",
        [this] { close(); });
}

void MainWindow::connectFiles() {
    commands::pdfWriter() = writePdfPage;
    file_.setLayout([this] { return layout(); });
    connect(&file_, &SessionFile::changed, this, &MainWindow::followFile);
    connect(&file_, &SessionFile::failed, this, &MainWindow::showMessage);
    connect(&file_, &SessionFile::layoutFound, this, &MainWindow::takeLayout);
    const auto remember = [this](const QString& path) { settings_.addRecent("sessions", path); };
    connect(&file_, &SessionFile::opened, this, remember);
    connect(&file_, &SessionFile::saved, this, remember);
    connect(&session_, &Session::opened, this, [this](const QString& path) {
        if (first_) return; // a slider's checkpoints would push everything else off the lists
        settings_.setLastModel(path);
        settings_.addRecent("models", path);
    });
    connect(&session_, &Session::ran, this, [this](double rate) {
        if (!first_) settings_.setRate(rate);
    });
    connect(&session_, &Session::began, &file_, &SessionFile::begin);
    connect(&session_, &Session::told, this,
            [this](const QString& what, const QString& hint) { offer(what, hint, {}, {}); });
    connect(&session_, &Session::modelMissed, this, [this](const QString& name, const QString& path) {
        offer(
            tr("The model %1 is not at %2 any more").arg(name, path.isEmpty() ? tr("its place") : path),
            tr("The session's columns and numbers are shown as they were saved. Point at the model to go on"),
            tr("Locate model…"), [this] { locateModel(); });
    });
}

void MainWindow::followFile() {
    QStringList parts;
    if (!file_.path().isEmpty()) parts << file_.name();
    if (const QString model = session_.modelName(); !model.isEmpty()) parts << model;
    if (!parts.isEmpty()) parts.front() += QStringLiteral("[*]");
    parts << QStringLiteral("Kurtoscope");
    setWindowTitle(parts.join(QStringLiteral(" – ")));
    setWindowModified(file_.isModified() && parts.size() > 1);
    if (!saved_ || first_) return;
    saved_->setText(parts.size() < 2      ? QString()
                    : file_.isAutosaved() ? tr("autosaved")
                                          : tr("autosaves in a moment"));
    saved_->setToolTip(tr("A copy that survives a crash is kept in %1").arg(settings_.dataFolder()));
}

bool MainWindow::openModel(const QString& path) {
    if (!mayClose()) return false;
    file_.keepLast();
    if (dataChosen_) {
        session_.openModel(path);
        return true;
    }
    DataRequest data = session_.data();
    data.path = textFor(path).toStdString();
    session_.openModel(path, data);
    return true;
}

void MainWindow::openData(const QString& path) {
    dataChosen_ = true;
    settings_.addRecent("data", path);
    session_.openData(path);
}

void MainWindow::openSession(const QString& path) {
    if (!mayClose()) return;
    file_.keepLast();
    try {
        file_.open(path);
        dataChosen_ = false;
    } catch (const Error& error) {
        showMessage(text(error.message()), text(error.where()), text(error.hint()));
    }
}

void MainWindow::openAny(const QString& path) {
    if (looksLikeSession(path))
        openSession(path);
    else if (looksLikeModel(path))
        openModel(path);
    else
        openData(path);
}

void MainWindow::listModels(QMenu* menu) {
    menu->clear();
    for (const auto& known : models_.models()) {
        const QString path = text(known.path);
        QAction* action =
            menu->addAction(text(known.name + "  ·  " + known.summary + "  ·  " + known.origin));
        action->setToolTip(path);
        connect(action, &QAction::triggered, this, [this, path] { openModel(path); });
    }
    if (menu->isEmpty())
        menu->addAction(models_.stands() ? tr("None found") : tr("Looking…"))->setEnabled(false);
}

void MainWindow::listRecent(QMenu* menu) {
    menu->clear();
    if (const QString last = file_.autosave().lastSession(); !last.isEmpty()) {
        QAction* action = menu->addAction(tr("Last session, never saved"));
        action->setObjectName("lastSession");
        action->setToolTip(last);
        connect(action, &QAction::triggered, this, [this, last] {
            try {
                if (mayClose()) file_.openCopy(last);
            } catch (const Error& error) {
                showMessage(text(error.message()), text(error.where()), text(error.hint()));
            }
        });
    }
    const std::pair<const char*, QString> kinds[] = {
        {"sessions", tr("Sessions")}, {"models", tr("Models")}, {"data", tr("Texts and tables")}};
    for (const auto& [kind, title] : kinds) {
        const QStringList paths = settings_.recent(kind);
        if (paths.isEmpty()) continue;
        menu->addSection(title);
        for (const QString& path : paths) {
            QAction* action = menu->addAction(QFileInfo(path).fileName());
            action->setToolTip(path);
            action->setEnabled(QFileInfo::exists(path));
            connect(action, &QAction::triggered, this, [this, path] { openAny(path); });
        }
    }
    if (menu->isEmpty()) {
        menu->addAction(tr("Nothing yet"))->setEnabled(false);
        return;
    }
    menu->addSeparator();
    connect(menu->addAction(tr("Forget these")), &QAction::triggered, this,
            [this] { settings_.forgetRecent(); });
}

void MainWindow::chooseModel() {
    DryRun dryRun{session_.data(), static_cast<int>(session_.choice().columns.size()), settings_.rate(),
                  freeMemory()};
    auto* dialog = new OpenDialog(models_, dryRun, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setModal(true);
    connect(dialog, &OpenDialog::chosen, this, &MainWindow::openModel);
    dialog->show();
}

void MainWindow::chooseFolder() {
    const QString from = QFileInfo(settings_.lastModel()).absolutePath();
    const QString path = QFileDialog::getExistingDirectory(this, tr("Open a model folder"), from);
    if (!path.isEmpty()) openModel(path);
}

void MainWindow::chooseGguf() {
    const QString from = QFileInfo(settings_.lastModel()).absolutePath();
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Open a GGUF file"), from, tr("GGUF models (*.gguf)"));
    if (!path.isEmpty()) openModel(path);
}

void MainWindow::chooseData() {
    const QString from = QFileInfo(text(session_.data().path)).absolutePath();
    const QString path = QFileDialog::getOpenFileName(
        this, tr("Open data"), from, tr("Text and tables (*.txt *.md *.tsv *.csv);;All files (*)"));
    if (!path.isEmpty()) openData(path);
}

void MainWindow::chooseSession() {
    const QString from = QFileInfo(settings_.recent("sessions").value(0)).absolutePath();
    const QString path = QFileDialog::getOpenFileName(this, tr("Open a session"), from,
                                                      tr("Sessions (%1);;All files (*)").arg(sessionFilter));
    if (!path.isEmpty()) openSession(path);
}

void MainWindow::saveSession() {
    if (file_.path().isEmpty())
        saveSessionAs(false);
    else
        file_.save(file_.path());
}

bool MainWindow::saveSessionAs(bool wait) {
    const Workspace& workspace = session_.workspace();
    const QString usual = !file_.path().isEmpty() ? file_.path()
                          : workspace.model       ? withSuffix(text(workspace.model->name))
                                                  : withSuffix("session");
    const QString path = QFileDialog::getSaveFileName(this, tr("Save the session"), usual,
                                                      tr("Sessions (%1)").arg(sessionFilter));
    if (path.isEmpty()) return false;
    if (wait) return file_.saveNow(withSuffix(path));
    file_.save(withSuffix(path));
    return true;
}

void MainWindow::locateModel() {
    if (!session_.awaitsModel()) return;
    QMessageBox which(QMessageBox::Question, tr("Locate the model"),
                      tr("Is the model a folder or a GGUF file?"), QMessageBox::Cancel, this);
    const auto* folder = which.addButton(tr("Folder…"), QMessageBox::AcceptRole);
    const auto* file = which.addButton(tr("GGUF file…"), QMessageBox::AcceptRole);
    which.exec();
    QString path;
    if (which.clickedButton() == folder)
        path = QFileDialog::getExistingDirectory(this, tr("Locate the model's folder"));
    else if (which.clickedButton() == file)
        path =
            QFileDialog::getOpenFileName(this, tr("Locate the model's file"), {}, tr("GGUF models (*.gguf)"));
    if (!path.isEmpty()) session_.locateModel(path);
}

void MainWindow::chooseScreenshot() {
    const QString path =
        QFileDialog::getSaveFileName(this, tr("Save a screenshot"), "kurtoscope.png", tr("Pictures (*.png)"));
    QString whyNot;
    if (!path.isEmpty() && !saveScreenshot(path, &whyNot))
        showMessage(tr("The screenshot was not written: %1").arg(whyNot), path, tr("Choose another place"));
}

void MainWindow::exportRecipe() {
    const Column* column = session_.workspace().activeColumn();
    if (!column) return;
    const Recipe recipe = column->recipe;
    const QString path = QFileDialog::getSaveFileName(this, tr("Export the recipe of %1").arg(column->name),
                                                      "recipe.json", tr("Recipes (*.json)"));
    if (path.isEmpty()) return;
    try {
        writeFileAtomically(path.toStdString(), recipe.toJson());
    } catch (const Error& error) {
        showMessage(text(error.message()), text(error.where()), text(error.hint()));
    }
}

void MainWindow::exportModel() {
    const Workspace& workspace = session_.workspace();
    const Column* column = workspace.activeColumn();
    if (!column || !workspace.model || column->recipe.isFp32()) return;
    ExportDialog dialog(session_, column->name, column->recipe, this);
    dialog.setFolder(QDir::home().filePath(session_.modelName() + QStringLiteral("-quantized")));
    dialog.exec();
}

void MainWindow::chooseReport() {
    const QString usual = session_.modelName() + QStringLiteral(" report.html");
    const QString path =
        QFileDialog::getSaveFileName(this, tr("Write a report"), usual, tr("Web page (*.html);;PDF (*.pdf)"));
    if (!path.isEmpty()) saveReport(path);
}

void MainWindow::saveReport(const QString& path) {
    try {
        for (View* view : views_)
            view->drawNow();
        commands::writeReport(windowReport(session_, views_), path.toStdString());
        statusBar()->showMessage(tr("The report is written to %1").arg(path), 8000);
    } catch (const Error& error) {
        showMessage(text(error.message()), text(error.where()), text(error.hint()));
    }
}

void MainWindow::offerRecovery() {
    const auto left = file_.autosave().left();
    if (!left) return;
    offer(
        tr("A session of %1 was not closed properly").arg(left->name),
        tr("Its autosave of %1 is newer than what was saved")
            .arg(QLocale().toString(left->when, QLocale::ShortFormat)),
        tr("Recover"),
        [this, left] {
            try {
                file_.recover(*left);
            } catch (const Error& error) {
                showMessage(text(error.message()), text(error.where()), text(error.hint()));
            }
        },
        [this, left] { file_.autosave().forget(*left); });
}

std::string MainWindow::layout() const {
    return saveState(Settings::layoutVersion).toBase64().toStdString();
}

void MainWindow::takeLayout(const QByteArray& layout) {
    const QByteArray docks = QByteArray::fromBase64(layout);
    if (isVisible())
        restoreState(docks, Settings::layoutVersion);
    else
        settings_.setWindow(settings_.geometry(), docks); // taken when the window is shown
}

bool MainWindow::mayClose() {
    if (file_.path().isEmpty() || !file_.isModified()) return true;
    QMessageBox question(QMessageBox::Question, tr("Unsaved changes"),
                         tr("Save the changes to %1?").arg(file_.name()),
                         QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, this);
    question.setObjectName("unsavedChanges");
    switch (question.exec()) {
    case QMessageBox::Save:
        return file_.saveNow(file_.path());
    case QMessageBox::Discard:
        return true;
    default:
        return false;
    }
}

void MainWindow::closeEvent(QCloseEvent* event) {
    if (!mayClose() || (beside_ && !beside_->close())) return event->ignore();
    if (!first_) settings_.setWindow(saveGeometry(), saveState(Settings::layoutVersion));
    file_.close();
    event->accept();
    emit closed();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    const auto urls = event->mimeData()->urls();
    const QString path = urls.size() == 1 ? urls[0].toLocalFile() : QString();
    if (looksLikeModel(path) || looksLikeData(path) || looksLikeSession(path)) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const QString path = event->mimeData()->urls().value(0).toLocalFile();
    event->acceptProposedAction();
    openAny(path);
}

} // namespace kurtoscope
