// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/open_dialog.h"

#include "app/window/known_models_table.h"
#include "app/window/model_list.h"
#include "core/base/error.h"
#include "core/workbench.h"
#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QFile>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QThread>
#include <QVBoxLayout>

#include <cmath>

namespace kurtoscope {
namespace {

constexpr double guessedRate = 8e9; // of one core, until a model has run here

QString duration(double seconds) {
    if (seconds < 1) return OpenDialog::tr("less than a second");
    if (seconds < 90) return OpenDialog::tr("%1 s").arg(std::lround(seconds));
    if (seconds < 5400) return OpenDialog::tr("%1 min").arg(std::lround(seconds / 60));
    return OpenDialog::tr("%1 hours").arg(fixed(seconds / 3600, 1));
}

} // namespace

std::int64_t freeMemory() {
    QFile file(QStringLiteral("/proc/meminfo"));
    if (!file.open(QIODevice::ReadOnly)) return 0;
    for (const QByteArray& line : file.readAll().split('\n'))
        if (line.startsWith("MemAvailable:"))
            return line.mid(13).trimmed().split(' ').value(0).toLongLong() * 1024;
    return 0;
}

OpenDialog::OpenDialog(ModelList& list, DryRun dryRun, QWidget* parent)
    : QDialog(parent), list_(list), dryRun_(std::move(dryRun)) {
    setWindowTitle(tr("Open a model"));
    setObjectName("openDialog");
    resize(940, 480);
    filter_ = new QLineEdit(this);
    filter_->setPlaceholderText(tr("Filter by name, origin or precision"));
    filter_->setAccessibleName(tr("Filter"));
    filter_->setClearButtonEnabled(true);
    filter_->installEventFilter(this);
    models_ = new KnownModelsTable(this);
    shown_ = new QSortFilterProxyModel(this);
    shown_->setSourceModel(models_);
    shown_->setSortRole(Qt::UserRole);
    shown_->setFilterKeyColumn(-1);
    shown_->setFilterCaseSensitivity(Qt::CaseInsensitive);
    table_ = new QTableView(this);
    table_->setObjectName("models");
    table_->setAccessibleName(tr("Models at hand"));
    table_->setModel(shown_);
    table_->setSortingEnabled(true);
    table_->sortByColumn(KnownModelsTable::name, Qt::AscendingOrder);
    table_->setSelectionBehavior(QAbstractItemView::SelectRows);
    table_->setSelectionMode(QAbstractItemView::SingleSelection);
    table_->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table_->setShowGrid(false);
    table_->setTabKeyNavigation(false);
    table_->verticalHeader()->hide();
    table_->verticalHeader()->setDefaultSectionSize(Theme::current().fontSize * 2);
    table_->horizontalHeader()->setHighlightSections(false);
    table_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    QPalette palette = table_->palette();
    palette.setColor(QPalette::Highlight, Theme::current().primarySoft);
    palette.setColor(QPalette::HighlightedText, Theme::current().text);
    table_->setPalette(palette);
    // Figures stand at the right of their columns, words at the left: without room between they run together.
    table_->setStyleSheet(QStringLiteral("QTableView { selection-background-color: %1; selection-color: %2; }"
                                         "QTableView::item { border: none; padding: 0 %3px; }"
                                         "QHeaderView::section { padding: 0 %3px; }"
                                         "QTableView::item:selected { background: %1; color: %2; }")
                              .arg(Theme::current().primarySoft.name(), Theme::current().text.name())
                              .arg(Theme::current().spacing));
    takes_ = new QLabel(this);
    takes_->setObjectName("takes");
    takes_->setWordWrap(true);
    note_ = new QLabel(this);
    note_->setObjectName("note");
    note_->setWordWrap(true);
    note_->setProperty("muted", true);

    auto* folder = new QPushButton(tr("&Folder…"), this);
    folder->setToolTip(tr("A Hugging Face folder with config.json and safetensors"));
    folder->setAutoDefault(false);
    auto* file = new QPushButton(tr("&GGUF file…"), this);
    file->setToolTip(tr("A file as llama.cpp uses it"));
    file->setAutoDefault(false);
    auto* cancel = new QPushButton(tr("Cancel"), this);
    cancel->setAutoDefault(false);
    open_ = new QPushButton(tr("&Open"), this);
    open_->setObjectName("openModel");
    open_->setDefault(true);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(folder);
    buttons->addWidget(file);
    buttons->addStretch(1);
    buttons->addWidget(cancel);
    buttons->addWidget(open_);
    auto* column = new QVBoxLayout(this);
    const int gap = Theme::current().spacing;
    column->setContentsMargins(2 * gap, 2 * gap, 2 * gap, 2 * gap);
    column->setSpacing(gap);
    column->addWidget(filter_);
    column->addWidget(table_, 1);
    column->addWidget(takes_);
    column->addWidget(note_);
    column->addLayout(buttons);

    connect(filter_, &QLineEdit::textChanged, this, [this](const QString& text) {
        shown_->setFilterFixedString(text);
        if (!current() && shown_->rowCount() > 0) table_->selectRow(0);
        follow();
    });
    connect(folder, &QPushButton::clicked, this, &OpenDialog::pointAtFolder);
    connect(file, &QPushButton::clicked, this, &OpenDialog::pointAtFile);
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    connect(open_, &QPushButton::clicked, this, &OpenDialog::accept);
    connect(table_, &QTableView::doubleClicked, this, &OpenDialog::accept);
    connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this, &OpenDialog::follow);
    connect(&list_, &ModelList::found, this, &OpenDialog::take);
    take();
    list_.look();
    follow();
    filter_->setFocus();
}

const KnownModel* OpenDialog::current() const {
    const auto rows = table_->selectionModel()->selectedRows();
    return rows.isEmpty() ? nullptr : &models_->at(shown_->mapToSource(rows[0]).row());
}

QString OpenDialog::path() const {
    const KnownModel* model = current();
    return model ? QString::fromStdString(model->path) : QString();
}

QString OpenDialog::takes() const {
    return takes_->text();
}

void OpenDialog::take() {
    const QString was = path();
    models_->setModels(list_.models());
    table_->resizeColumnsToContents();
    table_->horizontalHeader()->setSectionResizeMode(KnownModelsTable::name, QHeaderView::Stretch);
    for (int row = 0; row < shown_->rowCount(); ++row)
        if (was.isEmpty() || QString::fromStdString(
                                 models_->at(shown_->mapToSource(shown_->index(row, 0)).row()).path) == was) {
            table_->selectRow(row);
            break;
        }
    follow();
}

void OpenDialog::follow() {
    const KnownModel* model = current();
    open_->setEnabled(model);
    if (!model) {
        takes_->setText({});
        note_->setText(
            !list_.stands()            ? tr("Looking for models…")
            : models_->rowCount() == 0 ? tr("No model is at hand. Point at a folder or a GGUF file.")
            : shown_->rowCount() == 0  ? tr("No model at hand matches. Point at a folder or a GGUF file.")
                                       : tr("Choose a model, or point at a folder or a GGUF file."));
        return;
    }
    const double rate =
        dryRun_.rate > 0 ? dryRun_.rate : guessedRate * std::max(1, QThread::idealThreadCount() / 2);
    const RunEstimate estimate = estimateRun(*model, dryRun_.data, dryRun_.columns, rate);
    const bool tooMuch = dryRun_.freeBytes > 0 && estimate.bytes > dryRun_.freeBytes;
    takes_->setText(
        tr("Takes about %1 of memory%2, %3 to the first picture and %4 to the figures of %5 columns.")
            .arg(bytes(estimate.bytes),
                 dryRun_.freeBytes > 0 ? tr(" (%1 are free)").arg(bytes(dryRun_.freeBytes)) : QString(),
                 duration(estimate.pictureSeconds), duration(estimate.seconds))
            .arg(dryRun_.columns));
    takes_->setStyleSheet(tooMuch ? QStringLiteral("color: %1;").arg(Theme::current().worse.name())
                                  : QString());
    note_->setText(
        (tooMuch ? tr("It may not fit: close other programs, or choose a smaller model. ") : QString()) +
        (dryRun_.rate > 0 ? tr("Reckoned from sizes and from how fast this machine ran before.")
                          : tr("Reckoned from sizes; times are a guess until a model has run here.")));
}

bool OpenDialog::offer(const QString& path) {
    try {
        KnownModel model = Workbench::knownModel(path.toStdString());
        model.origin = tr("pointed at").toStdString();
        filter_->clear();
        const int row = models_->add(std::move(model));
        table_->selectRow(shown_->mapFromSource(models_->index(row, 0)).row());
        return true;
    } catch (const std::exception& failure) {
        const Error error = Workbench::explain(failure);
        table_->clearSelection();
        takes_->setText(QString::fromStdString(error.where() + ": " + error.message()));
        note_->setText(QString::fromStdString(error.hint()));
        return false;
    }
}

void OpenDialog::pointAtFolder() {
    const QString path = QFileDialog::getExistingDirectory(this, tr("Point at a model folder"));
    if (!path.isEmpty()) offer(path);
}

void OpenDialog::pointAtFile() {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Point at a GGUF file"), {}, tr("GGUF models (*.gguf)"));
    if (!path.isEmpty()) offer(path);
}

void OpenDialog::accept() {
    if (path().isEmpty()) return;
    emit chosen(path());
    QDialog::accept();
}

// Arrows move through the list while the filter is typed.
bool OpenDialog::eventFilter(QObject* watched, QEvent* event) {
    if (watched == filter_ && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Down || key->key() == Qt::Key_Up) {
            QCoreApplication::sendEvent(table_, event);
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace kurtoscope
