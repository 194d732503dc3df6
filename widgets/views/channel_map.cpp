// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/layer_stats.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/plot/plot_table.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kurtoscope {
namespace {

struct Quantity {
    const char* name;
    double (*of)(const SiteStats&, std::size_t channel); // null: from the active recipe's rounding errors
};
double energyOf(const SiteStats& s) {
    return std::max(1e-300, std::accumulate(s.energy.begin(), s.energy.end(), 0.0));
}
const Quantity quantities[] = {
    {"absmax", [](const SiteStats& s, std::size_t c) { return static_cast<double>(s.absmax[c]); }},
    {"rms",
     [](const SiteStats& s, std::size_t c) {
         return std::sqrt(s.energy[c] / static_cast<double>(std::max<std::int64_t>(1, s.tokens)));
     }},
    {"kurtosis", [](const SiteStats& s, std::size_t c) { return s.kurtosis[c]; }},
    {"std", [](const SiteStats& s, std::size_t c) { return std::sqrt(s.variance[c]); }},
    {"energy share", nullptr}, // the sum is taken once for each row
    {"error", nullptr},
};
enum : int { energyShare = 4, errorShare = 5 };

QString quantitiesHelp() {
    return absmaxHelp() + QObject::tr("\nrms: √(Σ x² / tokens).\n") + kurtosisHelp() +
           QObject::tr(
               "\nstd: √variance over tokens.\nenergy share: Σ x² of the channel / Σ x² of the site.\n"
               "error: Σ (x − x')² / Σ x² of the channel under the active recipe's rounding here alone; "
               "1 means that the channel is lost.");
}

// Layer × channel of the chosen Place, or Place × channel of the chosen layer, under FP32, with the active
// recipe's kept channels outlined.
class ChannelMap : public View {
    Q_DECLARE_TR_FUNCTIONS(ChannelMap)
public:
    explicit ChannelMap(QWidget* parent) : View(parent) {
        plot_ = new HeatMapPlot(this);
        plot_->setAccessibleName(tr("Layer by channel heat map"));
        setBody(plot_);
        QStringList names;
        for (const Quantity& quantity : quantities)
            names.append(quantity.name);
        quantity_ = new QuietChoice(names, tr("Quantity"), quantitiesHelp(), this);
        rows_ =
            new QuietChoice({tr("layers"), tr("Places")}, tr("Rows"),
                            tr("layers: the chosen Place in every layer.\nPlaces: every Place of the chosen "
                               "layer; where one is narrower, the rest is hatched."),
                            this);
        heading()->addControl(rows_);
        heading()->addControl(quantity_);
        for (QComboBox* choice : {quantity_, rows_})
            connect(choice, &QComboBox::currentIndexChanged, this, [this] {
                drawn_ = nullptr;
                emit needsChanged();
                if (hasWorkspace()) refresh(Change::everything);
            });
        connect(plot_, &HeatMapPlot::cellHovered, this, &ChannelMap::hover);
        connect(plot_, &HeatMapPlot::cellChosen, this, [this](int row, int channel, bool toggle) {
            emit channelSelected(site(row), channel);
            if (!toggle) return;
            emit channelsToggled(site(row), {channel});
            plot_->canvas()->repaint(); // the mark first: tables and curves take their turn after it
        });
        connect(plot_, &HeatMapPlot::currentMoved, this, [this](int row, int channel) {
            emit channelSelected(site(row), channel);
            emit message(sentence(row, channel));
        });
        connect(plot_, &HeatMapPlot::blockChosen, this, &ChannelMap::toggleBlock);
    }

    Needs needs() const override { return showsErrors() ? Needs(Need::errors) : Needs(); }

    QString description() const override {
        if (isEmpty()) return emptyText();
        const HeatMap& map = plot_->map();
        float low = std::numeric_limits<float>::infinity(), high = 0;
        for (const float value : map.values)
            if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
        return QString("%1 × %2, %3, %4 %5…%6, %7 kept, %8 marked%9")
            .arg(map.rows)
            .arg(map.columns)
            .arg(byPlace() ? tr("layer %1").arg(layer_) : placeText(place_), quantity_->currentText(),
                 figure(low), figure(high))
            .arg(kept_)
            .arg(marked_)
            .arg(skip_ ? ", first token left out" : "");
    }

    ViewTable numbers() const override { return heatTable(plot_->map()); }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) plot_->applyTheme();
        if (!w.model || !w.baseline()) heading()->setText(tr("Channel map"), tr("layer × channel"));
        if (!w.model)
            return setEmpty(
                tr("Open a model to see its channels: a folder with config.json, or a GGUF file."));
        const auto seen = w.columns.empty() ? nullptr : w.columns.front().observation;
        if (!seen || seen->sites.empty())
            return setEmpty(tr("%1 is open. Its channels appear as soon as text has run through it.")
                                .arg(QString::fromStdString(w.model->name)));
        const Column* active = w.activeColumn();
        if (what & (Change::model | Change::data)) errors_ = nullptr;
        if (active && active->errors) errors_ = active->errors;
        if (showsErrors() && (!active || active->recipe.isFp32()))
            return setEmpty(tr("FP32 rounds nothing. Make another column the active one to see its errors."));
        if (showsErrors() && !errors_)
            return setEmpty(tr("Measuring what %1 rounds away, channel by channel…").arg(active->name));
        const bool moved = byPlace() ? rowOf(w.site) < 0 : w.site.place != place_;
        if (seen != drawn_ || w.beside != beside_ || moved || w.skipFirstToken != skip_ ||
            what & Change::model || (showsErrors() && errors_ != drawnErrors_))
            if (!drawMap(seen)) return;
        if (showsErrors() || what & (Change::errors | Change::columns)) writeHeading();
        setEmpty({});
        drawMarks();
        const int row = rowOf(w.site);
        plot_->setCurrent(w.channel < 0 ? -1 : row, w.channel);
    }

private:
    bool byPlace() const { return rows_->currentIndex() == 1; }
    bool showsErrors() const { return quantity_->currentIndex() == errorShare; }
    Site site(int row) const { return sites_[static_cast<std::size_t>(row)]; }
    int rowOf(Site site) const {
        const auto found = std::find(sites_.begin(), sites_.end(), site);
        return found == sites_.end() ? -1 : static_cast<int>(found - sites_.begin());
    }
    const SiteStats* statsOf(int row) const { return workspace().stats(site(row)); }

    void listSites() {
        const Workspace& w = workspace();
        sites_.clear();
        if (byPlace()) {
            for (const Place place : w.model->places)
                if (isPerLayer(place) && place != Place::attn_probs &&
                    (!showsErrors() || errors_->noiseToSignal.contains({layer_, place})))
                    sites_.push_back({layer_, place});
        } else if (isPerLayer(place_)) {
            for (int layer = 0; layer < w.model->layers; ++layer)
                sites_.push_back({layer, place_});
        } else {
            sites_.push_back({-1, place_});
        }
    }

    void fill(float* out, int row, const SiteStats& stats) const {
        const auto channels = static_cast<std::size_t>(stats.channels);
        if (showsErrors()) {
            const auto found = errors_->noiseToSignal.find(site(row));
            if (found == errors_->noiseToSignal.end()) return;
            // Exact channels, kept ones among them, are as good as lossless: the scale has no zero.
            for (std::size_t c = 0; c < std::min(channels, found->second.size()); ++c)
                out[c] = std::isnan(found->second[c]) ? found->second[c] : std::max(1e-9F, found->second[c]);
            return;
        }
        const int index = quantity_->currentIndex();
        const double all = index == energyShare ? energyOf(stats) : 1;
        for (std::size_t c = 0; c < channels; ++c)
            out[c] = static_cast<float>(index == energyShare ? stats.energy[c] / all
                                                             : quantities[index].of(stats, c));
    }

    bool drawMap(const std::shared_ptr<const Observation>& seen) {
        const Workspace& w = workspace();
        place_ = w.site.place;
        if (w.site.layer >= 0) layer_ = std::min(w.site.layer, w.model->layers - 1);
        skip_ = w.skipFirstToken;
        drawn_ = seen;
        beside_ = w.beside;
        drawnErrors_ = errors_;
        listSites();
        HeatMap map;
        map.rows = static_cast<int>(sites_.size());
        std::vector<const SiteStats*> rows;
        if (!byPlace() && isPerLayer(place_))
            rows = layerStats(w, place_);
        else
            for (const Site site : sites_)
                rows.push_back(w.stats(site));
        int known = 0;
        for (const SiteStats* stats : rows)
            if (stats && !stats->empty()) {
                map.columns = std::max(map.columns, stats->channels);
                ++known;
            }
        if (known == 0) {
            drawn_ = nullptr;
            heading()->setText(tr("Channel map"), placeText(place_));
            setEmpty(tr("%1 was not observed in this model. Choose another Place in the model map.")
                         .arg(placeText(place_)));
            return false;
        }
        map.values.assign(static_cast<std::size_t>(map.rows) * static_cast<std::size_t>(map.columns),
                          std::nanf(""));
        for (int row = 0; row < map.rows; ++row)
            if (const SiteStats* stats = rows[static_cast<std::size_t>(row)]; stats && !stats->empty())
                fill(&map.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(map.columns)], row,
                     *stats);
        if (beside_ && !showsErrors()) {
            map.beside.assign(map.values.size(), std::nanf(""));
            for (int row = 0; row < map.rows; ++row)
                if (const SiteStats* stats = beside_->find(site(row), skip_);
                    stats && stats->channels <= map.columns && !stats->empty())
                    fill(&map.beside[static_cast<std::size_t>(row) * static_cast<std::size_t>(map.columns)],
                         row, *stats);
        }
        map.columnTitle = tr("channel");
        map.valueTitle = (showsErrors() ? tr("error / signal") : quantity_->currentText()) + tr(", log");
        if (byPlace())
            for (const Site at : sites_)
                map.rowLabels.append(placeText(at.place));
        else if (isPerLayer(place_))
            map.rowTitle = tr("layer");
        else
            map.rowLabels = {placeText(place_)};
        writeHeading();
        plot_->setAccessibleName(byPlace() ? tr("Place by channel heat map")
                                           : tr("Layer by channel heat map"));
        setEmpty({}); // an empty plot is laid out and drawn at once, a full one in an event of its own
        plot_->setMap(std::move(map));
        return true;
    }

    void writeHeading() {
        const Workspace& w = workspace();
        const Observation& seen = *w.baseline();
        const Column* active = w.activeColumn();
        QStringList words{byPlace() ? tr("layer %1").arg(layer_) : placeText(place_)};
        words << (!showsErrors() ? tr("FP32")
                  : active && active->recipe == errors_->recipe
                      ? tr("error of %1").arg(active->name)
                      : tr("error of an earlier choice, measuring again…"));
        words << (beside_ && !showsErrors() ? tr("log colour, as in the window beside") : tr("log colour"));
        if (skip_ && !showsErrors()) words << tr("first token left out");
        if (seen.windows < seen.windowsTotal)
            words << tr("window %1 of %2").arg(seen.windows).arg(seen.windowsTotal);
        words << tr("click keeps, drag keeps a block, wheel zooms, middle drag pans");
        heading()->setText(tr("Channel map"), words.join(QStringLiteral(" · ")));
    }

    void drawMarks() {
        const Workspace& w = workspace();
        const auto rowsAt = [this](const std::map<Site, std::set<int>>& marks, int& count) {
            Marks rows;
            count = 0;
            for (const auto& [site, channels] : marks)
                if (const int row = rowOf(site); row >= 0) {
                    rows[row] = channels;
                    count += static_cast<int>(channels.size());
                }
            return rows;
        };
        const Column* active = w.activeColumn();
        plot_->setKept(rowsAt(active ? active->recipe.kept : std::map<Site, std::set<int>>(), kept_));
        plot_->setMarked(rowsAt(w.marked, marked_));
    }

    QString sentence(int row, int channel) const {
        const HeatMap& map = plot_->map();
        if (row < 0 || row >= map.rows || channel < 0 || channel >= map.columns) return {};
        const Column* active = workspace().activeColumn();
        const auto marks = workspace().marked.find(site(row));
        return QString("%1, channel %2: %3 %4")
                   .arg(siteText(site(row)))
                   .arg(channel)
                   .arg(quantity_->currentText(), valueText(map.at(row, channel))) +
               (active && active->recipe.keeps(site(row), channel) ? tr(" · kept") : QString()) +
               (marks != workspace().marked.end() && marks->second.contains(channel)
                    ? tr(" · meets the criterion")
                    : QString());
    }

    QString valueText(float value) const {
        if (quantity_->currentIndex() == energyShare) return percent(static_cast<double>(value), 2);
        if (!showsErrors()) return figure(static_cast<double>(value), 4);
        return value <= 1e-9F ? tr("exact")
                              : tr("%1 (%2 dB)")
                                    .arg(percent(static_cast<double>(value), 2),
                                         fixed(-10 * std::log10(static_cast<double>(value)), 1));
    }

    void hover(int row, int channel) {
        if (!hasWorkspace()) return;
        const QString text = sentence(row, channel);
        emit message(text);
        if (text.isEmpty()) return QToolTip::hideText();
        QToolTip::showText(QCursor::pos() + QPoint(12, 10), QString(text).replace(": ", "\n"),
                           plot_->canvas());
    }

    // A block already kept whole is released; any other is kept whole.
    void toggleBlock(int firstRow, int lastRow, int firstChannel, int lastChannel) {
        QList<Site> sites;
        QList<int> channels;
        for (int row = firstRow; row <= lastRow; ++row)
            if (statsOf(row)) sites.append(site(row));
        for (int channel = firstChannel; channel <= lastChannel; ++channel)
            channels.append(channel);
        const Column* active = workspace().activeColumn();
        bool keep = !active;
        for (const Site& at : sites)
            for (const int channel : channels)
                keep = keep || !active->recipe.keeps(at, channel);
        if (!sites.isEmpty()) emit blockToggled(sites, channels, keep);
    }

    HeatMapPlot* plot_ = nullptr;
    QComboBox* quantity_ = nullptr;
    QComboBox* rows_ = nullptr;
    // Those on screen; held, so that no other takes their address.
    std::shared_ptr<const Observation> drawn_, beside_;
    std::shared_ptr<const RoundingErrors> errors_, drawnErrors_; // the last measured, while others are
    std::vector<Site> sites_;                                    // of the rows
    Place place_ = Place::attn_input;
    int layer_ = 0;
    bool skip_ = false;
    int kept_ = 0, marked_ = 0;
};

struct ChannelMapFactory : ViewFactory {
    const char* id() const override { return "channel-map"; }
    QString title() const override { return View::tr("Channel map"); }
    QString summary() const override {
        return View::tr(
            "Layer by channel of one Place, or Place by channel of one layer: a click keeps a channel.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new ChannelMap(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::ChannelMapFactory> registration;
