// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QGridLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// Which sites a recipe's loss comes from: layer × Place, only this site rounded, and all but this one. Starts
// when asked; fills in as sites are measured.
class SensitivityView : public View {
    Q_DECLARE_TR_FUNCTIONS(SensitivityView)
public:
    explicit SensitivityView(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        run_ = new QPushButton(page);
        run_->setObjectName("measure");
        run_->setAccessibleName(tr("Measure sensitivity, or stop"));
        run_->setToolTip(
            tr("Rounds every site of the active recipe alone, then all but it, over one window of the data:\n"
               "two runs for each site. It waits for whatever else runs and goes on after it."));
        state_ = new QLabel(page);
        state_->setProperty("muted", true);
        progress_ = new QProgressBar(page);
        progress_->setTextVisible(false);
        progress_->setFixedWidth(160);
        progress_->setAccessibleName(tr("Sites measured"));
        auto* row = new QHBoxLayout;
        row->addWidget(run_);
        row->addWidget(progress_);
        row->addWidget(state_, 1);
        auto* column = new QGridLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(Theme::current().spacing / 2);
        column->addLayout(row, 0, 0, 1, 2);
        const QString names[] = {tr("only this rounded · bright: it does harm by itself"),
                                 tr("all but this rounded · dark: without it the harm is gone")};
        const QString tips[] = {
            tr("Divergence from FP32 with only this site rounded: large where a site alone does harm."),
            tr("Divergence from FP32 with everything rounded but this site: small where leaving it whole "
               "would help.")};
        for (int i = 0; i < 2; ++i) {
            captions_[i] = new QLabel(names[i], page);
            captions_[i]->setToolTip(tips[i]);
            captions_[i]->setAlignment(Qt::AlignCenter);
            plots_[i] = new HeatMapPlot(page);
            plots_[i]->setBlocks(false);
            plots_[i]->setAccessibleName(tr("Layer by Place, %1").arg(names[i]));
            column->addWidget(captions_[i], 1, i);
            column->addWidget(plots_[i], 2, i);
            column->setColumnStretch(i, 1);
            connect(plots_[i], &HeatMapPlot::cellChosen, this,
                    [this](int at, int place, bool) { choose(at, place); });
            connect(plots_[i], &HeatMapPlot::currentMoved, this, &SensitivityView::choose);
            connect(plots_[i], &HeatMapPlot::cellHovered, this, [this, i](int at, int place) {
                const QString text = sentence(at, place);
                emit message(QString(text).replace(u'\n', QStringLiteral(" · ")));
                if (text.isEmpty()) return QToolTip::hideText();
                QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plots_[i]->canvas());
            });
        }
        column->setRowStretch(2, 1);
        setBody(page);
        connect(run_, &QPushButton::clicked, this, [this] { emit sensitivityAsked(!running_); });
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        if (!shown_) return QString("not asked for, %1").arg(run_->text());
        return QString("%1 × %2, %3 of %4 sites measured, %5%6%7")
            .arg(rows_.size())
            .arg(places_.size())
            .arg(measured())
            .arg(shown_->found.rows.size())
            .arg(QString::fromStdString(shown_->found.measure))
            .arg(running_ ? ", running" : "", stale_ ? ", of an earlier choice" : "");
    }

    ViewTable numbers() const override {
        ViewTable table{{"site", "only_this", "all_but_this", "local_sqnr_db", "windows"}, {}};
        if (!shown_) return table;
        const auto number = [](const std::optional<double>& value) {
            return value ? ViewTable::number(*value) : QString();
        };
        for (const SiteSensitivity& row : shown_->found.rows)
            table.rows.append({QString::fromStdString(row.name), number(row.only), number(row.allBut),
                               number(row.localSqnrDb), QString::number(row.windows)});
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme)
            for (HeatMapPlot* plot : plots_)
                plot->applyTheme();
        heading()->setText(tr("Sensitivity"), tr("which sites the loss comes from · layer × Place"));
        if (!w.model) return setEmpty(tr("Open a model to see which sites a recipe's loss comes from."));
        if (!w.baseline())
            return setEmpty(tr("Sensitivity can be measured as soon as text has run through the model."));
        const bool changed = shown_ != w.sensitivity || what & (Change::model | Change::theme);
        shown_ = w.sensitivity;
        const Column* active = w.activeColumn();
        running_ = shown_ && shown_->running;
        stale_ = shown_ && active && shown_->recipe != active->recipe;
        setEmpty({});
        writeState(active);
        if (changed) drawMaps();
        select();
    }

private:
    std::size_t measured() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            shown_->found.rows, [](const SiteSensitivity& row) { return row.only.has_value(); }));
    }

    void writeState(const Column* active) {
        const bool fp32 = !active || active->recipe.isFp32();
        run_->setText(running_                                       ? tr("Stop")
                      : fp32                                         ? tr("Measure")
                      : shown_ && !stale_ && !shown_->found.complete ? tr("Go on")
                                                                     : tr("Measure %1").arg(active->name));
        run_->setEnabled(running_ || !fp32);
        const std::size_t all = shown_ ? shown_->found.rows.size() : 0;
        progress_->setVisible(shown_ && !shown_->found.complete && (running_ || all > 0));
        progress_->setRange(0, static_cast<int>(all));
        progress_->setValue(shown_ ? static_cast<int>(measured()) : 0);
        QStringList words;
        if (!shown_)
            words << (fp32 ? tr("FP32 rounds nothing: make another column the active one")
                           : tr("two runs for each site, in the background"));
        else if (all == 0)
            words << tr("estimating on calibration text…");
        else if (shown_->found.complete)
            words << tr("%1 sites").arg(all);
        else
            words << tr("%1 of %2 sites, the most costly first").arg(measured()).arg(all);
        if (shown_ && shown_->found.all)
            words << tr("everything rounded: %1 %2")
                         .arg(QString::fromStdString(shown_->found.measure), figure(*shown_->found.all));
        if (stale_) words << tr("of an earlier choice: measure again");
        state_->setText(words.join(QStringLiteral(" · ")));
    }

    void drawMaps() {
        places_.clear();
        rows_.clear();
        std::map<Site, const SiteSensitivity*> bySite;
        if (shown_)
            for (const SiteSensitivity& row : shown_->found.rows)
                for (const Site site : row.sites)
                    bySite[site] = &row;
        for (const Place place : allPlaces())
            if (std::ranges::any_of(bySite, [&](const auto& entry) { return entry.first.place == place; }))
                places_.push_back(place);
        bool once = false;
        for (const Place place : places_)
            once |= !isPerLayer(place);
        if (!places_.empty())
            for (int layer = 0; layer < workspace().model->layers; ++layer)
                rows_.push_back(layer);
        if (once) rows_.push_back(-1);
        for (int i = 0; i < 2; ++i) {
            HeatMap map;
            map.rows = static_cast<int>(rows_.size());
            map.columns = static_cast<int>(places_.size());
            map.values.assign(rows_.size() * places_.size(), std::nanf(""));
            for (std::size_t r = 0; r < rows_.size(); ++r)
                for (std::size_t c = 0; c < places_.size(); ++c)
                    if (const auto found = bySite.find({rows_[r], places_[c]}); found != bySite.end())
                        if (const auto& value = i == 0 ? found->second->only : found->second->allBut)
                            map.values[r * places_.size() + c] =
                                static_cast<float>(std::max(*value, 1e-9)); // 0 has no place on a log scale
            for (const Place place : places_)
                map.columnLabels.append(placeText(place));
            if (once)
                for (const int layer : rows_)
                    map.rowLabels.append(layer < 0 ? tr("once") : QString::number(layer));
            map.rowTitle = tr("layer");
            map.valueTitle = shown_ ? QString::fromStdString(shown_->found.measure) + tr(", log") : QString();
            plots_[i]->setMap(std::move(map));
            plots_[i]->setVisible(!places_.empty());
            captions_[i]->setVisible(!places_.empty());
        }
    }

    void select() {
        const Site site = workspace().site;
        const auto row = std::ranges::find(rows_, site.layer);
        const auto place = std::ranges::find(places_, site.place);
        for (HeatMapPlot* plot : plots_)
            if (row != rows_.end() && place != places_.end())
                plot->setCurrent(static_cast<int>(row - rows_.begin()),
                                 static_cast<int>(place - places_.begin()));
            else
                plot->setCurrent(-1, -1);
    }

    std::optional<Site> siteAt(int row, int column) const {
        if (row < 0 || column < 0 || row >= static_cast<int>(rows_.size()) ||
            column >= static_cast<int>(places_.size()))
            return std::nullopt;
        const Place place = places_[static_cast<std::size_t>(column)];
        const int layer = rows_[static_cast<std::size_t>(row)];
        if (isPerLayer(place) != (layer >= 0)) return std::nullopt;
        return Site{layer, place};
    }

    void choose(int row, int column) {
        if (const auto site = siteAt(row, column)) emit siteSelected(*site);
    }

    QString sentence(int row, int column) const {
        const auto site = siteAt(row, column);
        if (!site || !shown_) return {};
        const QString measure = QString::fromStdString(shown_->found.measure);
        for (const SiteSensitivity& one : shown_->found.rows)
            if (std::ranges::find(one.sites, *site) != one.sites.end()) {
                QString text = siteText(*site);
                if (one.only)
                    text += tr("\nonly this rounded: %1 %3\nall but this: %2 %3")
                                .arg(figure(*one.only), figure(one.allBut.value_or(std::nan(""))), measure);
                else
                    text += tr("\nnot measured yet");
                if (one.localSqnrDb)
                    text += tr("\nestimate: its readers' outputs at %1 dB").arg(fixed(*one.localSqnrDb, 1));
                return text;
            }
        return tr("%1\nnot rounded by this recipe").arg(siteText(*site));
    }

    QPushButton* run_ = nullptr;
    QLabel* state_ = nullptr;
    QProgressBar* progress_ = nullptr;
    QLabel* captions_[2] = {};
    HeatMapPlot* plots_[2] = {};
    std::shared_ptr<const SensitivityMap> shown_;
    std::vector<Place> places_;
    std::vector<int> rows_; // layers; −1: Places that exist once
    bool running_ = false, stale_ = false;
};

struct SensitivityViewFactory : ViewFactory {
    const char* id() const override { return "sensitivity-map"; }
    QString title() const override { return View::tr("Sensitivity"); }
    QString summary() const override {
        return View::tr("Which sites a recipe's loss comes from: only this rounded, and all but this.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 4; }
    View* make(QWidget* parent) const override { return new SensitivityView(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::SensitivityViewFactory>
    registration;
