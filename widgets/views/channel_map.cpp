// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/view.h"

#include <QToolTip>

#include <cmath>
#include <limits>

namespace kurtoscope {
namespace {

struct Quantity {
    const char* name;
    double (*of)(const SiteStats&, std::size_t channel);
};
const Quantity quantities[] = {
    {"absmax", [](const SiteStats& s, std::size_t c) { return static_cast<double>(s.absmax[c]); }},
    {"rms",
     [](const SiteStats& s, std::size_t c) {
         return std::sqrt(s.energy[c] / static_cast<double>(std::max<std::int64_t>(1, s.tokens)));
     }},
    {"kurtosis", [](const SiteStats& s, std::size_t c) { return s.kurtosis[c]; }},
};

// Layer × channel of the chosen Place under FP32, with the active recipe's kept channels outlined.
class ChannelMap : public View {
public:
    explicit ChannelMap(QWidget* parent) : View(parent) {
        plot_ = new HeatMapPlot(this);
        plot_->setAccessibleName(tr("Layer by channel heat map"));
        setBody(plot_);
        quantity_ = new QuietChoice({"absmax", "rms", "kurtosis"}, tr("Quantity"),
                                    absmaxHelp() + tr("\nrms: √(Σ x² / tokens).\n") + kurtosisHelp(), this);
        heading()->addControl(quantity_);
        connect(quantity_, &QComboBox::currentIndexChanged, this, [this] {
            drawn_ = nullptr;
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

    QString describe() const override {
        if (isEmpty()) return emptyText();
        const HeatMap& map = plot_->map();
        float low = std::numeric_limits<float>::infinity(), high = 0;
        for (const float value : map.values)
            if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
        return QString("%1 × %2, %3, %4 %5…%6, %7 kept, %8 marked%9")
            .arg(map.rows)
            .arg(map.columns)
            .arg(placeText(place_), quantity_->currentText(), figure(low), figure(high))
            .arg(kept_)
            .arg(marked_)
            .arg(skip_ ? ", first token left out" : "");
    }

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
        if (seen != drawn_ || w.site.place != place_ || w.skipFirstToken != skip_ || what & Change::model)
            if (!drawMap(seen)) return;
        setEmpty({});
        drawMarks();
        plot_->setCurrent(w.channel < 0 ? -1 : isPerLayer(place_) ? w.site.layer : 0, w.channel);
    }

private:
    Site site(int row) const { return {isPerLayer(place_) ? row : -1, place_}; }
    const SiteStats* statsOf(int row) const { return workspace().stats(site(row)); }

    bool drawMap(const std::shared_ptr<const Observation>& seen) {
        const Workspace& w = workspace();
        place_ = w.site.place;
        skip_ = w.skipFirstToken;
        drawn_ = seen;
        HeatMap map;
        map.rows = isPerLayer(place_) ? w.model->layers : 1;
        int known = 0;
        for (int row = 0; row < map.rows; ++row)
            if (const SiteStats* stats = statsOf(row); stats && !stats->empty()) {
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
        const Quantity& quantity = quantities[quantity_->currentIndex()];
        map.values.assign(static_cast<std::size_t>(map.rows) * static_cast<std::size_t>(map.columns),
                          std::nanf(""));
        for (int row = 0; row < map.rows; ++row) {
            const SiteStats* stats = statsOf(row);
            if (!stats || stats->empty()) continue;
            float* out = &map.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(map.columns)];
            for (std::size_t c = 0; c < static_cast<std::size_t>(stats->channels); ++c)
                out[c] = static_cast<float>(quantity.of(*stats, c));
        }
        map.columnTitle = tr("channel");
        if (isPerLayer(place_))
            map.rowTitle = tr("layer");
        else
            map.rowLabels = {placeText(place_)};
        const QString progress = seen->windows < seen->windowsTotal
                                     ? tr(" · window %1 of %2").arg(seen->windows).arg(seen->windowsTotal)
                                     : QString();
        heading()->setText(tr("Channel map"),
                           placeText(place_) + tr(" · FP32 · log colour") +
                               (skip_ ? tr(" · first token left out") : QString()) + progress +
                               tr(" · click keeps, drag keeps a block, wheel zooms, middle drag pans"));
        plot_->setMap(std::move(map));
        return true;
    }

    void drawMarks() {
        const Workspace& w = workspace();
        const auto rowsAt = [this](const std::map<Site, std::set<int>>& marks, int& count) {
            Marks rows;
            count = 0;
            for (const auto& [site, channels] : marks)
                if (site.place == place_) {
                    rows[std::max(0, site.layer)] = channels;
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
                   .arg(quantity_->currentText(), figure(map.at(row, channel), 4)) +
               (active && active->recipe.keeps(site(row), channel) ? tr(" · kept") : QString()) +
               (marks != workspace().marked.end() && marks->second.contains(channel)
                    ? tr(" · meets the criterion")
                    : QString());
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
    std::shared_ptr<const Observation> drawn_; // the one on screen; held, so that no other takes its address
    Place place_ = Place::attn_input;
    bool skip_ = false;
    int kept_ = 0, marked_ = 0;
};

struct ChannelMapFactory : ViewFactory {
    const char* id() const override { return "channel-map"; }
    QString title() const override { return QStringLiteral("Channel map"); }
    QString summary() const override {
        return QStringLiteral("Layer by channel of one Place: a click keeps a channel in high precision.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new ChannelMap(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::ChannelMapFactory> registration;
