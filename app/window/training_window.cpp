// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/training_window.h"

#include "core/base/error.h"
#include "widgets/figures.h"
#include "widgets/panels/message_bar.h"
#include "widgets/parts/legend.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/theme.h"
#include "widgets/training/emergence_map.h"
#include "widgets/training/migration_plot.h"

#include <QComboBox>
#include <QCoreApplication>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QSlider>
#include <QTabWidget>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

constexpr int lookEveryMs = 1000;

using Value = std::optional<double>;

// Over the sites that have the figure; empty where none has.
template <class Take>
Value largest(const TrainingRecord& record, Take take) {
    Value most;
    for (const TrainingSiteFigures& site : record.sites)
        if (const Value value = take(site); value && (!most || *value > *most)) most = value;
    return most;
}

struct Figure {
    const char* name;
    const char* help;
    bool logarithmic;
    Value (*of)(const TrainingRecord&);
};
const Figure figures[] = {
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "kurtosis"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow",
                       "The largest kurtosis of a linear input, over the values of a step's batch"),
     true, [](const TrainingRecord& r) { return largest(r, [](const auto& s) { return s.kurtosis; }); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "max / median"),
     QT_TRANSLATE_NOOP(
         "kurtoscope::TrainingWindow",
         "The largest channel's mean magnitude over the median channel's, of the worst linear input"),
     true, [](const TrainingRecord& r) { return largest(r, [](const auto& s) { return s.maxToMedian; }); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "loss"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow",
                       "Of each step's batch, penalties left out, nats per prediction"),
     false, [](const TrainingRecord& r) { return Value(r.loss); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "validation loss"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "Over the text that is held out, nats per prediction"),
     false, [](const TrainingRecord& r) { return r.validationLoss; }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "penalty"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "λ times the penalties, as added to the loss"), false,
     [](const TrainingRecord& r) { return Value(r.penalty); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "clipping value"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "The largest learned clipping value of a linear input"),
     false,
     [](const TrainingRecord& r) {
         return largest(r, [](const auto& s) {
             return s.clipHigh && s.clipLow ? Value(std::max(*s.clipHigh, -*s.clipLow)) : std::nullopt;
         });
     }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "clipped share"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow",
                       "The largest share of values outside a site's learned clipping values"),
     false, [](const TrainingRecord& r) { return largest(r, [](const auto& s) { return s.clippedShare; }); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "gradient norm"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "Before it was clipped"), true,
     [](const TrainingRecord& r) { return Value(r.gradientNorm); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "learning rate"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "Warm-up, then a cosine"), false,
     [](const TrainingRecord& r) { return Value(r.learningRate); }},
    {QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "tokens per second"),
     QT_TRANSLATE_NOOP("kurtoscope::TrainingWindow", "Since the record before"), false,
     [](const TrainingRecord& r) { return Value(r.tokensPerSecond); }},
};

QString nameOf(const TrainingRun& run) {
    return QString::fromStdString(run.name);
}

// What a run said last that a person should know.
QString eventOf(const TrainingRun& run) {
    for (auto record = run.records.rbegin(); record != run.records.rend(); ++record)
        if (!record->event.empty())
            return TrainingWindow::tr("%1, step %2: %3")
                .arg(nameOf(run), grouped(record->step), QString::fromStdString(record->event));
    return {};
}

} // namespace

TrainingWindow::TrainingWindow(QWidget* parent) : QWidget(parent, Qt::Window) {
    setWindowTitle(tr("Training runs"));
    setObjectName("training");
    messages_ = new MessageBar(this);
    figure_ = new QComboBox(this);
    figure_->setObjectName("trainingFigure");
    figure_->setAccessibleName(tr("What is drawn"));
    for (const Figure& one : figures) {
        figure_->addItem(tr(one.name));
        figure_->setItemData(figure_->count() - 1, tr(one.help), Qt::ToolTipRole);
    }
    add_ = new QPushButton(tr("&Add a run…"), this);
    add_->setObjectName("trainingAdd");
    add_->setToolTip(tr("A folder that `kurtoscope train --out` writes, or one that holds several"));
    remove_ = new QPushButton(tr("&Remove"), this);
    remove_->setObjectName("trainingRemove");
    remove_->setToolTip(tr("Takes the chosen run off the picture; its folder stays"));
    pages_ = new QTabWidget(this);
    pages_->setObjectName("trainingPages");
    pages_->setDocumentMode(true);
    auto* curves = new QWidget(pages_);
    plot_ = new CurvePlot(curves);
    plot_->setObjectName("trainingCurves");
    plot_->setAccessibleName(tr("The chosen figure by step"));
    means_ = new QLabel(curves);
    means_->setProperty("muted", true);
    means_->setWordWrap(true);
    auto* asked = new QHBoxLayout;
    asked->addWidget(figure_);
    asked->addWidget(means_, 1);
    auto* column = new QVBoxLayout(curves);
    column->addLayout(asked);
    column->addWidget(plot_, 1);
    emergence_ = new EmergenceMap(pages_);
    migration_ = new MigrationPlot(pages_);
    pages_->addTab(curves, tr("&Curves"));
    pages_->addTab(emergence_, tr("&Emergence"));
    pages_->addTab(migration_, tr("&Migration"));
    legend_ = new Legend(this);
    says_ = new QLabel(this);
    says_->setObjectName("trainingSays");
    says_->setTextFormat(Qt::PlainText);
    says_->setWordWrap(true);
    run_ = new QComboBox(this);
    run_->setObjectName("trainingRun");
    run_->setAccessibleName(tr("Run whose checkpoints the slider goes through"));
    run_->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    slider_ = new QSlider(Qt::Horizontal, this);
    slider_->setObjectName("trainingCheckpoint");
    slider_->setAccessibleName(tr("Checkpoint"));
    slider_->setPageStep(1);
    slider_->setTickPosition(QSlider::TicksBelow);
    checkpoint_ = new QLabel(this);
    checkpoint_->setTextFormat(Qt::PlainText);
    open_ = new QPushButton(tr("&Open this checkpoint"), this);
    open_->setObjectName("trainingOpen");
    open_->setProperty("primary", true);
    pause_ = new QPushButton(this);
    pause_->setObjectName("trainingPause");
    stop_ = new QPushButton(this);
    stop_->setObjectName("trainingStop");
    stop_->setToolTip(
        tr("Ends this run after the step that runs, with a checkpoint. `kurtoscope train --resume` goes on"));
    beside_ = new QPushButton(tr("Open &beside the final one"), this);
    beside_->setObjectName("trainingBeside");
    beside_->setToolTip(
        tr("The run's last checkpoint in the window, this one in a second window beside it. Both "
           "show the same site, channel and token, and the slider exchanges the second one's"));

    auto* rows = new QVBoxLayout(this);
    const int gap = Theme::current().spacing;
    rows->setContentsMargins(2 * gap, 2 * gap, 2 * gap, 2 * gap);
    rows->setSpacing(gap);
    auto* buttons = new QWidget(pages_);
    auto* top = new QHBoxLayout(buttons);
    top->setContentsMargins(0, 0, 0, gap / 2);
    top->addWidget(add_);
    top->addWidget(remove_);
    pages_->setCornerWidget(buttons);
    rows->addWidget(messages_);
    rows->addWidget(pages_, 1);
    rows->addWidget(legend_);
    auto* state = new QHBoxLayout;
    state->addWidget(says_, 1);
    state->addWidget(pause_, 0, Qt::AlignBottom);
    state->addWidget(stop_, 0, Qt::AlignBottom);
    rows->addLayout(state);
    auto* bottom = new QHBoxLayout;
    bottom->addWidget(run_);
    bottom->addWidget(slider_, 1);
    bottom->addWidget(checkpoint_);
    bottom->addWidget(open_);
    bottom->addWidget(beside_);
    rows->addLayout(bottom);
    resize(900, 600);

    connect(add_, &QPushButton::clicked, this, &TrainingWindow::choose);
    connect(remove_, &QPushButton::clicked, this, [this] { remove(run_->currentIndex()); });
    connect(figure_, &QComboBox::currentIndexChanged, this, &TrainingWindow::draw);
    connect(run_, &QComboBox::currentIndexChanged, this, [this] {
        followRun();
        draw();
    });
    connect(legend_, &Legend::entryClicked, run_, &QComboBox::setCurrentIndex);
    connect(slider_, &QSlider::valueChanged, this, [this] {
        followCheckpoint();
        if (const QString folder = checkpoint(); !folder.isEmpty()) emit checkpointChosen(folder);
    });
    connect(pause_, &QPushButton::clicked, this, [this] {
        const Followed& run = runs_[std::size_t(run_->currentIndex())];
        ask(run.waits() ? TrainingRequest::goOn : TrainingRequest::pause);
    });
    connect(stop_, &QPushButton::clicked, this, [this] { ask(TrainingRequest::stop); });
    connect(open_, &QPushButton::clicked, this, [this] {
        if (const QString folder = checkpoint(); !folder.isEmpty()) emit checkpointAsked(folder);
    });
    connect(beside_, &QPushButton::clicked, this, [this] {
        if (const QString folder = checkpoint(); !folder.isEmpty())
            emit besideAsked(folder, QString::fromStdString(chosen()->checkpoints.back().second));
    });
    connect(plot_, &CurvePlot::pointHovered, this, [this](int curve, int index) {
        if (curve < 0) return QToolTip::hideText();
        const Curve& line = plot_->curves()[std::size_t(curve)];
        QToolTip::showText(QCursor::pos() + QPoint(12, 10),
                           tr("%1, step %2: %3 %4")
                               .arg(line.name, grouped(std::int64_t(line.x[std::size_t(index)])),
                                    figure_->currentText(), figure(line.y[std::size_t(index)], 4)),
                           plot_->canvas());
    });
    connect(pages_, &QTabWidget::currentChanged, this, &TrainingWindow::askNext);
    connect(emergence_, &EmergenceMap::stepChosen, this,
            [this](int step) { chooseStep(run_->currentIndex(), step); });
    connect(migration_, &MigrationPlot::stepChosen, this, &TrainingWindow::chooseStep);
    for (View* view : std::initializer_list<View*>{emergence_, migration_})
        connect(view, &View::failed, messages_, &MessageBar::showError);
    timer_.setInterval(lookEveryMs);
    connect(&timer_, &QTimer::timeout, this, &TrainingWindow::look);
    followRun();
    draw();
}

const TrainingRun* TrainingWindow::chosen() const {
    const int at = run_->currentIndex();
    return at >= 0 && at < int(runs_.size()) ? &runs_[std::size_t(at)].run : nullptr;
}

void TrainingWindow::choose() {
    const QString folder = QFileDialog::getExistingDirectory(this, tr("A training run"));
    if (!folder.isEmpty()) add(folder);
}

bool TrainingWindow::read(Followed& followed) const {
    const bool live = isTraining(followed.run.path);
    const TrainingRequest request = live ? trainingRequest(followed.run.path) : TrainingRequest::goOn;
    const bool other = std::exchange(followed.live, live) != live;
    const bool asked = std::exchange(followed.request, request) != request;
    const QFileInfo metrics(QString::fromStdString(followed.run.path) + "/metrics.jsonl");
    if (followed.size == metrics.size() && followed.changed == metrics.lastModified()) return other || asked;
    followed.size = metrics.size(), followed.changed = metrics.lastModified();
    followed.run = TrainingRun::read(followed.run.path);
    const auto& checkpoints = followed.run.checkpoints;
    if (followed.seen && (checkpoints.empty() || followed.seen->steps.back().step > checkpoints.back().first))
        followed.seen = nullptr; // it went back: what was seen is of another run
    return true;
}

void TrainingWindow::add(const QString& folder) {
    QStringList folders;
    if (!QFileInfo::exists(folder + "/spec.json"))
        for (const QFileInfo& inside : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot))
            if (QFileInfo::exists(inside.filePath() + "/spec.json")) folders.append(inside.filePath());
    if (folders.isEmpty()) folders.append(folder); // whose reading says what is missing
    for (const QString& one : std::as_const(folders)) {
        const std::string path = QFileInfo(one).absoluteFilePath().toStdString();
        if (std::any_of(runs_.begin(), runs_.end(), [&](const Followed& f) { return f.run.path == path; }))
            continue;
        if (int(runs_.size()) == mostRuns) {
            messages_->showError(tr("%1 runs are shown already").arg(mostRuns), one, tr("Remove one first"));
            break;
        }
        Followed followed;
        followed.run.path = path;
        try {
            read(followed);
        } catch (const Error& error) {
            say(error);
            continue;
        }
        followed.run.path = path;
        runs_.push_back(std::move(followed));
        run_->addItem(nameOf(runs_.back().run));
    }
    draw();
}

void TrainingWindow::say(const Error& error) {
    messages_->showError(QString::fromStdString(error.message()), QString::fromStdString(error.where()),
                         QString::fromStdString(error.hint()));
}

void TrainingWindow::remove(int run) {
    if (run < 0 || run >= int(runs_.size())) return;
    runs_.erase(runs_.begin() + run);
    run_->removeItem(run);
    followRun();
    draw();
}

void TrainingWindow::look() {
    bool anyNew = false;
    for (std::size_t i = 0; i < runs_.size();)
        try {
            anyNew |= read(runs_[i]);
            ++i;
        } catch (const Error& error) { // once: what cannot be read is no longer followed
            say(error);
            remove(int(i));
        }
    if (!anyNew) return;
    followRun();
    draw();
}

void TrainingWindow::draw() {
    const Figure& asked = figures[figure_->currentIndex()];
    std::vector<Curve> curves;
    QList<Legend::Entry> entries;
    QStringList lines;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        const TrainingRun& run = runs_[i].run;
        Curve curve{nameOf(run), Theme::current().line(int(i)),  {},
                    {},          int(i) == run_->currentIndex(), false};
        for (const TrainingRecord& record : run.records)
            if (const Value value = asked.of(record))
                curve.x.push_back(record.step), curve.y.push_back(*value);
        entries.append({curve.name, curve.colour, curve.strong, false});
        curves.push_back(std::move(curve));
        lines.append(lineOf(runs_[i]));
        if (const QString event = eventOf(run); !event.isEmpty()) lines.append(event);
    }
    plot_->setCurves(std::move(curves), tr("step"), asked.logarithmic);
    legend_->setEntries(entries);
    says_->setText(
        lines.isEmpty()
            ? tr("Add a folder that `kurtoscope train --out` writes: its curves grow while it trains.")
            : lines.join(u'\n'));
    figure_->setToolTip(tr(asked.help));
    means_->setFont(Theme::current().small());
    means_->setText(tr(asked.help));
    followRequest();
    drawCheckpoints();
    followCheckpoint();
    askNext();
}

QString TrainingWindow::describe() const {
    if (runs_.empty()) return says_->text();
    QStringList names;
    std::size_t points = 0;
    for (const Curve& curve : plot_->curves())
        names.append(curve.name), points += curve.x.size();
    return QString("%1, %2 runs (%3), %4 points, %5…%6")
        .arg(figure_->currentText())
        .arg(names.size())
        .arg(names.join(", "))
        .arg(points)
        .arg(figure(plot_->lowest()), figure(plot_->highest()));
}

void TrainingWindow::applyTheme() {
    plot_->applyTheme();
    emergence_->applyTheme();
    migration_->applyTheme();
    draw();
    update();
}

void TrainingWindow::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    look();
    askNext();
    timer_.start();
}

void TrainingWindow::hideEvent(QHideEvent* event) {
    QWidget::hideEvent(event);
    timer_.stop();
    askNext();
}

} // namespace kurtoscope
