// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/export_dialog.h"

#include "app/window/session.h"
#include "widgets/theme.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QSpinBox>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace kurtoscope {
namespace {

QString text(const std::string& utf8) {
    return QString::fromStdString(utf8);
}

QLabel* muted(QWidget* parent, const char* name) {
    auto* label = new QLabel(parent);
    label->setObjectName(name);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    label->setFont(Theme::current().small());
    label->setProperty("muted", true);
    return label;
}

QString sizeText(std::int64_t bytes) {
    return QLocale().formattedDataSize(bytes, 1, QLocale::DataSizeSIFormat);
}

} // namespace

ExportDialog::ExportDialog(Session& session, const QString& column, const Recipe& recipe, QWidget* parent)
    : QDialog(parent), session_(session), recipe_(recipe), formats_(Workbench::exportFormats()) {
    setWindowTitle(tr("Export %1").arg(column));
    format_ = new QComboBox(this);
    format_->setObjectName("exportFormat");
    format_->setAccessibleName(tr("Format"));
    for (const ExportFormatInfo& one : formats_)
        format_->addItem(text(one.title), text(one.id));
    summary_ = muted(this, "exportSummary");
    parameters_ = new QWidget(this);
    rows_ = new QFormLayout(parameters_);
    rows_->setContentsMargins(0, 0, 0, 0);
    facts_ = new QLabel(this);
    facts_->setObjectName("exportFacts");
    facts_->setWordWrap(true);
    facts_->setTextFormat(Qt::PlainText);
    facts_->setAlignment(Qt::AlignTop);
    facts_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setWidget(facts_);
    scroll->setMinimumHeight(110);
    scroll->viewport()->setAutoFillBackground(false);
    facts_->setAutoFillBackground(false);
    modules_ = new QTreeWidget(this);
    modules_->setObjectName("exportModules");
    modules_->setAccessibleName(tr("Modules and where they land"));
    modules_->setHeaderLabels({tr("Module"), tr("Group"), tr("Treatment"), tr("Kept")});
    modules_->headerItem()->setTextAlignment(3, Qt::AlignRight | Qt::AlignVCenter);
    modules_->header()->setStretchLastSection(false);
    modules_->header()->setSectionResizeMode(2, QHeaderView::Stretch);
    modules_->setRootIsDecorated(false);
    modules_->setUniformRowHeights(true);
    modules_->setMinimumSize(860, 220);
    folder_ = new QLineEdit(this);
    folder_->setObjectName("exportFolder");
    folder_->setAccessibleName(tr("Folder"));
    folder_->setPlaceholderText(tr("A folder that does not exist yet"));
    auto* browse = new QPushButton(tr("Choose…"), this);
    browse->setObjectName("browseExport");
    force_ = new QCheckBox(tr("Replace an earlier export there"), this);
    force_->setObjectName("exportForce");
    says_ = muted(this, "exportSays");
    bar_ = new QProgressBar(this);
    bar_->setObjectName("exportProgress");
    bar_->setTextVisible(false);
    bar_->setFixedHeight(8);
    bar_->setAccessibleName(tr("Progress"));
    auto* buttons = new QDialogButtonBox(this);
    close_ = buttons->addButton(QDialogButtonBox::Close);
    close_->setObjectName("exportClose");
    write_ = buttons->addButton(tr("Export"), QDialogButtonBox::ActionRole);
    write_->setObjectName("exportWrite");
    write_->setProperty("primary", true);
    write_->setDefault(true);

    auto* rows = new QVBoxLayout(this);
    rows->setContentsMargins(18, 16, 18, 14);
    rows->setSpacing(9);
    auto* top = new QHBoxLayout;
    auto* label = new QLabel(tr("&Format"), this);
    label->setBuddy(format_);
    top->addWidget(label);
    top->addWidget(format_);
    top->addStretch(1);
    rows->addLayout(top);
    rows->addWidget(summary_);
    rows->addWidget(parameters_);
    rows->addWidget(scroll, 1);
    rows->addWidget(modules_, 2);
    auto* place = new QHBoxLayout;
    auto* into = new QLabel(tr("F&older"), this);
    into->setBuddy(folder_);
    place->addWidget(into);
    place->addWidget(folder_, 1);
    place->addWidget(browse);
    rows->addLayout(place);
    rows->addWidget(force_);
    rows->addWidget(says_);
    rows->addWidget(bar_);
    rows->addWidget(buttons);

    later_.setSingleShot(true);
    later_.setInterval(250);
    connect(&later_, &QTimer::timeout, this, &ExportDialog::ask);
    connect(format_, &QComboBox::currentIndexChanged, this, [this] {
        told_.clear();
        showParameters();
        ask();
    });
    connect(browse, &QPushButton::clicked, this, &ExportDialog::browse);
    connect(folder_, &QLineEdit::textChanged, this, [this] {
        if (state_ == State::written) state_ = State::planned;
        follow();
    });
    connect(write_, &QPushButton::clicked, this, &ExportDialog::write);
    connect(buttons, &QDialogButtonBox::rejected, this, &ExportDialog::reject);
    connect(&session_, &Session::exportPlanned, this, &ExportDialog::takePlan);
    connect(&session_, &Session::exportWritten, this, &ExportDialog::takeResult);
    connect(&session_, &Session::failed, this, &ExportDialog::takeFailure);
    connect(&session_, &Session::progressed, this, [this](const QString& what, double fraction) {
        bar_->setRange(0, fraction < 0 ? 0 : 1000);
        if (fraction >= 0) bar_->setValue(static_cast<int>(1000 * fraction));
        if (state_ == State::planning || state_ == State::writing)
            says_->setText(what + QStringLiteral(" …"));
    });
    const int whole = format_->findData(QStringLiteral("compressed-tensors"));
    format_->setCurrentIndex(std::max(0, whole));
    if (whole <= 0) {
        showParameters();
        ask();
    }
}

ExportDialog::~ExportDialog() {
    session_.dropExport();
}

const ExportFormatInfo& ExportDialog::format() const {
    return formats_.at(static_cast<std::size_t>(std::max(0, format_->currentIndex())));
}

void ExportDialog::showParameters() {
    while (rows_->rowCount() > 0)
        rows_->removeRow(0);
    summary_->setText(tr("%1. For: %2.").arg(text(format().summary), text(format().source)));
    for (const ParameterInfo& parameter : format().parameters) {
        QWidget* control = nullptr;
        const std::string id = parameter.id;
        if (parameter.kind == ParameterInfo::Kind::choice) {
            auto* box = new QComboBox(parameters_);
            for (const std::string& choice : parameter.choices)
                box->addItem(text(choice));
            box->setCurrentText(text(parameter.defaultValue));
            connect(box, &QComboBox::currentTextChanged, this, [this, id](const QString& value) {
                told_[id] = value.toStdString();
                later_.start();
            });
            control = box;
        } else if (parameter.kind == ParameterInfo::Kind::integer) {
            auto* box = new QSpinBox(parameters_);
            box->setRange(static_cast<int>(parameter.low), static_cast<int>(parameter.high));
            box->setValue(text(parameter.defaultValue).toInt());
            connect(box, &QSpinBox::valueChanged, this, [this, id](int value) {
                told_[id] = std::to_string(value);
                later_.start();
            });
            control = box;
        } else {
            auto* line = new QLineEdit(text(parameter.defaultValue), parameters_);
            connect(line, &QLineEdit::textChanged, this, [this, id](const QString& value) {
                told_[id] = value.toStdString();
                later_.start();
            });
            control = line;
        }
        control->setObjectName("export-" + text(id));
        control->setAccessibleName(text(parameter.title));
        control->setToolTip(text(parameter.help));
        rows_->addRow(text(parameter.title), control);
    }
    parameters_->setVisible(rows_->rowCount() > 0);
}

ExportRequest ExportDialog::request() const {
    ExportRequest asked;
    asked.recipe = recipe_;
    asked.format.scheme = format().id;
    asked.format.parameters = told_;
    asked.folder = folder_->text().toStdString();
    asked.force = force_->isChecked();
    return asked;
}

void ExportDialog::ask() {
    state_ = State::planning;
    facts_->setText(tr("Looking at what this target can carry …"));
    modules_->clear();
    follow();
    session_.askExport(request(), false);
}

void ExportDialog::takePlan(const ExportPlan& plan) {
    QStringList lines;
    bool refused = false;
    for (const ExportLimit& limit : plan.limits) {
        refused |= limit.isRefused();
        lines << (limit.isRefused()
                      ? tr("Cannot carry %1: the export is refused.").arg(text(limit.what))
                      : tr("Cannot carry %1. Instead: %2.").arg(text(limit.what), text(limit.nearest)));
    }
    for (const std::string& note : plan.notes)
        lines << text(note);
    lines << tr("Expected difference: %1.").arg(text(plan.expectedDifference));
    lines << tr("Size: about %1.").arg(sizeText(plan.bytes));
    if (!plan.left.empty()) {
        QStringList names;
        for (const std::string& name : plan.left)
            names << text(name);
        lines << tr("Left in floating point: %1.").arg(names.join(QStringLiteral(", ")));
    }
    facts_->setText(lines.join(QStringLiteral("\n")));
    for (const ExportedModule& module : plan.modules) {
        refused |= module.group.empty();
        auto* item = new QTreeWidgetItem(
            modules_, {text(module.name), module.group.empty() ? tr("none") : text(module.group),
                       text(module.treatment),
                       module.keptChannels > 0 ? QString::number(module.keptChannels) : QStringLiteral("–")});
        item->setTextAlignment(3, Qt::AlignRight);
    }
    for (int i = 0; i < modules_->columnCount(); ++i)
        modules_->resizeColumnToContents(i);
    modules_->setVisible(!plan.modules.empty());
    state_ = refused ? State::refused : State::planned;
    says_->clear();
    follow();
}

void ExportDialog::takeResult(const ExportResult& result) {
    state_ = State::written;
    QString said = tr("Written to %1: %2 files, %3.")
                       .arg(text(result.folder))
                       .arg(result.files.size())
                       .arg(sizeText(result.bytes));
    for (const CheckResult& check : result.checks)
        if (check.ran())
            said += check.difference == 0 ? tr(" Read again, it answers as the recipe does, bit for bit.")
                                          : tr(" Read again, its answers differ by %1 of their size.")
                                                .arg(check.difference, 0, 'g', 2);
    said += tr(" To prove it in the software it is for: kurtoscope verify %1").arg(text(result.folder));
    says_->setText(said);
    follow();
}

void ExportDialog::takeFailure(const QString& what, const QString& where, const QString& hint) {
    if (state_ != State::planning && state_ != State::writing) return;
    if (state_ == State::planning) facts_->clear();
    state_ = state_ == State::writing ? State::planned : State::refused;
    QStringList parts{what, where, hint};
    parts.removeAll(QString());
    says_->setText(parts.join(QStringLiteral(". ")));
    follow();
}

void ExportDialog::setFolder(const QString& folder) {
    folder_->setText(folder);
}

void ExportDialog::browse() {
    const QString path = QFileDialog::getSaveFileName(this, tr("Name the folder to make"), folder_->text(),
                                                      {}, nullptr, QFileDialog::DontConfirmOverwrite);
    if (!path.isEmpty()) setFolder(path);
}

void ExportDialog::write() {
    state_ = State::writing;
    follow();
    session_.askExport(request(), true);
}

void ExportDialog::follow() {
    const bool working = state_ == State::planning || state_ == State::writing;
    write_->setEnabled(state_ == State::planned && !folder_->text().isEmpty());
    for (QWidget* control : std::initializer_list<QWidget*>{format_, parameters_, folder_, force_})
        control->setEnabled(state_ != State::writing);
    bar_->setVisible(working);
    close_->setText(state_ == State::writing ? tr("Stop") : tr("Close"));
}

void ExportDialog::reject() {
    if (state_ != State::writing) return QDialog::reject();
    session_.dropExport();
    state_ = State::planned;
    says_->setText(tr("Stopped. Nothing was written."));
    follow();
}

} // namespace kurtoscope
