// SPDX-License-Identifier: GPL-3.0-or-later
// The header, the message bar and the dialog for outliers: what stands around the views.
#include "app/window/main_window.h"

#include "app/window/keep_list_dialog.h"
#include "app/window/session.h"
#include "core/base/error.h"
#include "core/data/stored_recipe.h"
#include "widgets/figures.h"
#include "widgets/panels/header_bar.h"
#include "widgets/panels/keep_outliers_dialog.h"
#include "widgets/panels/message_bar.h"

#include <QLayout>
#include <QToolBar>
#include <QVBoxLayout>

namespace kurtoscope {
namespace {

ChannelSets ofPlace(ChannelSets channels, Place place) {
    std::erase_if(channels, [place](const auto& entry) { return entry.first.place != place; });
    return channels;
}

} // namespace

void MainWindow::makePanels() {
    auto* top = new QWidget(this);
    header_ = new HeaderBar(top);
    messages_ = new MessageBar(top);
    auto* rows = new QVBoxLayout(top);
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(0);
    rows->addWidget(header_);
    rows->addWidget(messages_);
    top->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);

    auto* bar = new QToolBar(this);
    bar->setObjectName("top");
    bar->setMovable(false);
    bar->setFloatable(false);
    bar->setContextMenuPolicy(Qt::PreventContextMenu);
    bar->toggleViewAction()->setVisible(false);
    bar->layout()->setContentsMargins(0, 0, 0, 0);
    bar->addWidget(top);
    addToolBar(Qt::TopToolBarArea, bar);

    connect(messages_, &MessageBar::accepted, this, [this] {
        offerDismissed_ = {};
        if (const auto act = std::exchange(offerAccepted_, {})) act();
    });
    connect(messages_, &MessageBar::dismissed, this, [this] {
        offerAccepted_ = {};
        if (const auto act = std::exchange(offerDismissed_, {})) act();
    });
    connect(header_, &HeaderBar::openModelAsked, this, &MainWindow::chooseModel);
    connect(header_, &HeaderBar::openDataAsked, this, &MainWindow::chooseData);
    connect(header_, &HeaderBar::deviceAsked, this, &MainWindow::showAbout);
    connect(header_, &HeaderBar::stopAsked, &session_, &Session::stop);
    connect(header_, &HeaderBar::undoAsked, &session_.undoStack(), &QUndoStack::undo);
    connect(header_, &HeaderBar::redoAsked, &session_.undoStack(), &QUndoStack::redo);
    connect(header_, &HeaderBar::keepOutliersAsked, this, &MainWindow::keepOutliers);
    connect(header_, &HeaderBar::exportAsked, this, &MainWindow::exportModel);

    connect(&session_, &Session::progressed, header_, &HeaderBar::setProgress);
    connect(&session_, &Session::settled, header_, &HeaderBar::setIdle);
    const auto followStack = [this] {
        const QUndoStack& stack = session_.undoStack();
        header_->setUndo(stack.canUndo(), stack.undoText());
        header_->setRedo(stack.canRedo(), stack.redoText());
    };
    connect(&session_.undoStack(), &QUndoStack::indexChanged, this, followStack);
    followStack();
    header_->setIdle();
}

void MainWindow::followPanels(Changes what) {
    const Workspace& workspace = session_.workspace();
    if (what & Change::model && workspace.model) {
        const ModelInfo& model = *workspace.model;
        const QString stored = QString::fromStdString(model.storedPrecision); // "Q4_1 (some F32)"
        const QString recipe = QString::fromStdString(storedRecipeText(model));
        header_->setModel(QString::fromStdString(model.name),
                          tr("%1 · %2 × %3 · stored %4")
                              .arg(QString::fromStdString(model.architectureTitle))
                              .arg(model.layers)
                              .arg(model.hidden)
                              .arg(stored.section(QStringLiteral(" ("), 0, 0)),
                          tr("%1 layers × %2 channels, %3 parameters, stored as %4")
                                  .arg(model.layers)
                                  .arg(model.hidden)
                                  .arg(grouped(model.parameters), stored) +
                              (recipe.isEmpty() ? QString() : tr("\nNearest recipe: %1").arg(recipe)));
        const QString device = workspace.deviceText; // "CPU · AVX-512 VNNI · 2 threads"
        const qsizetype dot = device.indexOf(QStringLiteral(" · "));
        header_->setDevice(dot < 0 ? device : device.left(dot), dot < 0 ? QString() : device.mid(dot + 3));
    } else if (what & Change::model) {
        header_->setModel(tr("Open a model…"), tr("a folder with config.json, or a GGUF file"));
    }
    if (what & (Change::data | Change::model)) {
        if (!workspace.dataName.isEmpty())
            header_->setData(workspace.dataName,
                             workspace.dataSummary + QStringLiteral(" · ") + workspace.task);
        else
            header_->setData(workspace.model ? tr("Open data…") : tr("No data"), {});
    }
    header_->setKeepOutliersEnabled(workspace.baseline() && workspace.active > 0);
    header_->setExportEnabled(workspace.model && workspace.activeColumn() &&
                              !workspace.activeColumn()->recipe.isFp32());
}

void MainWindow::showMessage(const QString& what, const QString& where, const QString& hint) {
    if (messages_->isVisible() && messages_->isOffer()) offerAccepted_ = offerDismissed_ = {};
    messages_->showError(what, where, hint);
}

void MainWindow::offer(const QString& what, const QString& hint, const QString& action,
                       const std::function<void()>& accepted, const std::function<void()>& dismissed) {
    offerAccepted_ = accepted;
    offerDismissed_ = dismissed;
    messages_->showOffer(what, hint, action);
}

void MainWindow::keepList() {
    const Column* column = session_.workspace().activeColumn();
    if (!column || !session_.workspace().stats(session_.workspace().site)) return;
    auto* dialog = new KeepListDialog(session_.workspace(), column->recipe, this);
    dialog->setObjectName("keepListDialog");
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setModal(true);
    connect(dialog, &KeepListDialog::meant, this,
            [this](const QList<Site>& sites, const QList<int>& channels) {
                ChannelSets marks;
                if (!channels.isEmpty())
                    for (const Site site : sites)
                        marks[site] = {channels.begin(), channels.end()};
                session_.mark(marks);
            });
    connect(dialog, &QDialog::finished, this, [this] { session_.mark({}); });
    connect(dialog, &QDialog::accepted, this,
            [this, dialog] { session_.keepChannels(dialog->sites(), dialog->channels(), dialog->keeps()); });
    dialog->show();
}

void MainWindow::keepOutliers() {
    if (!session_.workspace().baseline()) return;
    const Place place = session_.workspace().site.place;
    const auto found = [this, place](const QString& criterion, KeepOutliersDialog::Where where) {
        auto channels = session_.outliers(Criterion::parse(criterion.toStdString()));
        return where == KeepOutliersDialog::Where::thisPlace ? ofPlace(std::move(channels), place) : channels;
    };
    auto* dialog = new KeepOutliersDialog(
        placeText(place),
        KeepOutliersDialog::Count([found](const QString& criterion, KeepOutliersDialog::Where where) {
            std::size_t count = 0;
            for (const auto& [site, channels] : found(criterion, where))
                count += channels.size();
            return count;
        }),
        this);
    dialog->setObjectName("keepOutliersDialog");
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setModal(true);
    const auto mark = [this, dialog, found] {
        try {
            session_.mark(found(dialog->criterion(), dialog->where()));
        } catch (const Error&) {
            session_.mark({}); // the dialog says why
        }
    };
    connect(dialog, &KeepOutliersDialog::criterionChanged, this, mark);
    connect(dialog, &QDialog::rejected, this, [this] { session_.mark({}); });
    connect(dialog, &QDialog::accepted, this, [this, dialog, found] {
        try {
            session_.setCriterion(dialog->criterion().toStdString());
            session_.keep(found(dialog->criterion(), dialog->where()), false);
        } catch (const Error& error) { // what was observed may have changed while the dialog stood
            session_.mark({});
            showMessage(QString::fromStdString(error.message()), QString::fromStdString(error.where()),
                        QString::fromStdString(error.hint()));
        }
    });
    if (!session_.criterion().empty()) dialog->setCriterion(QString::fromStdString(session_.criterion()));
    mark();
    dialog->show();
}

} // namespace kurtoscope
