// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/aside.h"
#include "widgets/parts/channel_figures.h"
#include "widgets/parts/clipping_panel.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/layer_stats.h"
#include "widgets/parts/sections.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QLabel>

#include <algorithm>
#include <numeric>

namespace kurtoscope {
namespace {

constexpr int tokensShown = 32, peaksShown = 6, bins = 121;

QString ordinal(int number) {
    return QString::number(number) + (number == 2 ? "nd" : number == 3 ? "rd" : "th"); // thinning stays small
}

// The chosen channel against the rest of its site: histogram with the quantization grid, values along the
// text, figures, and the tokens that dominate the site.
class ChannelPanel : public View {
    Q_DECLARE_TR_FUNCTIONS(ChannelPanel)
public:
    explicit ChannelPanel(QWidget* parent) : View(parent) {
        plot_ = new HistogramPlot(this);
        plot_->setAccessibleName(tr("Histogram of the channel"));
        note_ = new QLabel(this);
        note_->setWordWrap(true);
        note_->setProperty("muted", true);
        auto* page = new Sections(plot_, note_, tr("What is shown of the channel"), this);
        clipping_ = new ClippingPanel(this);
        textHeading_ = new Heading(this);
        strip_ = new TokenStrip(this);
        strip_->setAccessibleName(tr("Values along the text"));
        peaksHeading_ = new Heading(this);
        peaks_ = new FactList(this);
        peaks_->setAccessibleName(tr("Dominating tokens"));
        peaks_->setLeads(true);
        facts_ = new FactList(this);
        facts_->setAccessibleName(tr("Statistics of the channel"));
        depthHeading_ = new Heading(this);
        depthCurve_ = new CurvePlot(this);
        depthCurve_->setUsualHeight(110);
        depthCurve_->setAccessibleName(tr("The channel along depth"));
        const int trade = page->add(tr("Clipping"), {clipping_}, clipping_);
        page->add(tr("Tokens"), {textHeading_, strip_, peaksHeading_, peaks_});
        page->add(tr("Figures"), {facts_});
        page->add(tr("Depth"), {depthHeading_, depthCurve_}, depthCurve_);
        setBody(page);
        connect(peaks_, &FactList::factChosen, this, [this](int line) {
            emit channelSelected(site_, peakChannels_[static_cast<std::size_t>(line)]);
        });
        // Who drags the line wants to see what it costs.
        connect(plot_, &HistogramPlot::clipMoved, page, [page, trade] { page->bringForward(trade); });
        connect(strip_, &TokenStrip::tokenChosen, this, &View::tokenSelected);
        connect(plot_, &HistogramPlot::thinningChanged, this, &ChannelPanel::writeNote);
        connect(plot_, &HistogramPlot::clipMoved, clipping_, &ClippingPanel::setClip);
        connect(plot_, &HistogramPlot::clipReset, clipping_, &ClippingPanel::resetClip);
        connect(clipping_, &ClippingPanel::clipChanged, this,
                [this](double clip) { plot_->setClip(clip, clipping_->largest()); });
        connect(depthCurve_, &CurvePlot::pointClicked, this, [this](int curve, int point) {
            const double layer =
                depthCurve_->curves()[static_cast<std::size_t>(curve)].x[static_cast<std::size_t>(point)];
            emit channelSelected({static_cast<int>(layer), site_.place}, channel_);
        });
    }
    QSize sizeHint() const override { return {330, 640}; }

    QString description() const override {
        if (isEmpty()) return emptyText();
        const ValueCounts& h = plot_->histogram();
        const auto sum = [](const std::vector<double>& counts) {
            return std::accumulate(counts.begin(), counts.end(), 0.0);
        };
        QString text = QString("%1 channel %2, absmax %3")
                           .arg(siteText(site_))
                           .arg(channel_)
                           .arg(facts_->facts().front().figure);
        if (h.front.empty())
            text += ", no values yet";
        else
            text += QString(", %1 values against %2, %3…%4")
                        .arg(sum(h.front))
                        .arg(sum(h.back), 0, 'f', 0)
                        .arg(figure(h.low), figure(h.high));
        if (const double beyond = h.below.all() + h.above.all(); beyond > 0)
            text += QString(", %1 beyond up to %2").arg(beyond).arg(figure(counted_.furthest));
        text += plot_->levelsDrawn() > 0
                    ? QString(", grid every %1 of %2").arg(plot_->levelsEvery()).arg(levels_)
                    : QString(", no grid");
        if (plot_->clip() > 0)
            text +=
                QString(", clip ±%1 of ±%2, best ±%3")
                    .arg(figure(plot_->clip()), figure(clipping_->ownClip()), figure(clipping_->best().clip));
        return text +
               QString(", %1 tokens, %2 peaks").arg(strip_->entries().size()).arg(peaks_->facts().size());
    }

    ViewTable numbers() const override {
        ViewTable table{{"from", "to", "values_of_channel", "values_of_others"}, {}};
        const ValueCounts& h = plot_->histogram();
        const double width = (h.high - h.low) / static_cast<double>(std::max<std::size_t>(1, h.front.size()));
        for (std::size_t bin = 0; !isEmpty() && bin < h.front.size(); ++bin)
            table.rows.append({ViewTable::number(h.low + static_cast<double>(bin) * width),
                               ViewTable::number(h.low + static_cast<double>(bin + 1) * width),
                               ViewTable::number(h.front[bin]), ViewTable::number(h.back[bin])});
        return table;
    }

protected:
    void finish() override {
        counting_.finish();
        clipping_->finish();
    }
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) {
            depthCurve_->applyTheme();
            clipping_->applyTheme();
            plot_->applyTheme();
            for (QWidget* part : std::initializer_list<QWidget*>{facts_, peaks_, strip_, textHeading_,
                                                                 peaksHeading_, depthHeading_})
                part->update();
        }
        if (!w.model) {
            heading()->setText(tr("Channel"), QString());
            return setEmpty(tr("Open a model, then choose a channel."));
        }
        const SiteStats* stats = w.stats(w.site);
        const bool chosen = stats && !stats->empty() && w.channel >= 0 && w.channel < stats->channels;
        heading()->setText(
            chosen ? tr("Channel %1").arg(w.channel) : tr("Channel"),
            chosen ? tr("%1 · the other %2 in grey").arg(siteText(w.site)).arg(stats->channels - 1)
                   : siteText(w.site));
        if (!chosen)
            return setEmpty(w.baseline()
                                ? tr("Click a channel on the map to see its values, its statistics and the "
                                     "tokens that drive it.")
                                : tr("A channel can be chosen as soon as text has run through the model."));
        site_ = w.site;
        channel_ = w.channel;
        const Column* active = w.activeColumn();
        const bool kept = active && active->recipe.keeps(site_, channel_);
        facts_->setFacts(channelFacts(*stats, channel_));
        drawPeaks(*stats);
        drawSample(kept);
        levels_ = static_cast<int>(w.grid.size());
        plot_->setGrid(w.grid);
        drawTrade();
        drawDepth();
        writeNote();
        setEmpty({});
    }

private:
    void drawSample(bool kept) {
        const Workspace& w = workspace();
        const Theme& theme = Theme::current();
        const QColor colour = kept ? theme.kept : theme.primary;
        const auto sample =
            w.sample && w.sample->site == site_ && channel_ < w.sample->channels ? w.sample : nullptr;
        textHeading_->setVisible(sample != nullptr);
        strip_->setVisible(sample != nullptr);
        if (!sample) {
            drawn_.reset();
            counting_.drop();
            takeCounts({});
            strip_->setEntries({}, colour);
            return;
        }
        if (sample != drawn_ || channel_ != drawnChannel_) {
            drawn_ = sample;
            drawnChannel_ = channel_;
            counting_.drop();
            const auto count = [sample, channel = channel_] {
                return channelHistogram(*sample, channel, bins);
            };
            if (sample->values.size() <= Aside::worthwhile) {
                takeCounts(count());
            } else {
                takeCounts({});
                counting_.ask(count, [this](const ChannelHistogram& counted) {
                    takeCounts(counted);
                    writeNote();
                });
            }
        } else if (colour != drawnColour_) {
            takeCounts(counted_);
        }
        auto entries = tokensAround(*sample, channel_, w.token, tokensShown);
        const bool all = static_cast<int>(entries.size()) == sample->rows();
        textHeading_->setText(tr("Along the text"), all ? tr("|x| of channel %1").arg(channel_)
                                                        : tr("|x| of channel %1 · tokens %2–%3 of %4")
                                                              .arg(channel_)
                                                              .arg(entries.front().token)
                                                              .arg(entries.back().token)
                                                              .arg(grouped(sample->rows())));
        strip_->setEntries(std::move(entries), colour);
        strip_->setCurrent(w.token);
    }

    void takeCounts(const ChannelHistogram& counted) {
        counted_ = counted;
        const Theme& theme = Theme::current();
        const Column* active = workspace().activeColumn();
        drawnColour_ = active && active->recipe.keeps(site_, channel_) ? theme.kept : theme.primary;
        plot_->setHistogram(counted_.histogram, drawnColour_);
    }

    void drawTrade() {
        const Workspace& w = workspace();
        std::set<int> kept;
        if (const Column* active = w.activeColumn())
            if (const auto found = active->recipe.kept.find(site_); found != active->recipe.kept.end())
                kept = found->second;
        clipping_->setValues(w.sample && w.sample->site == site_ ? w.sample : nullptr, w.grid, kept);
    }

    // The same channel index through the layers, against each layer's median channel.
    void drawDepth() {
        const Workspace& w = workspace();
        Curve own, median;
        const Theme& theme = Theme::current();
        const auto statsOf =
            isPerLayer(site_.place) ? layerStats(w, site_.place) : std::vector<const SiteStats*>();
        for (std::size_t layer = 0; layer < statsOf.size(); ++layer) {
            const SiteStats* stats = statsOf[layer];
            if (!stats || channel_ >= stats->channels) continue;
            own.x.push_back(static_cast<double>(layer));
            median.x.push_back(static_cast<double>(layer));
            own.y.push_back(static_cast<double>(stats->absmax[static_cast<std::size_t>(channel_)]));
            median.y.push_back(static_cast<double>(stats->siteAbsmax) / stats->maxToMedian);
        }
        const bool shown = own.x.size() > 1;
        depthHeading_->setVisible(shown);
        depthCurve_->setVisible(shown);
        if (!shown) return;
        depthHeading_->setText(tr("Along the depth"),
                               tr("absmax of channel %1; the median channel in grey").arg(channel_));
        own.name = tr("channel %1").arg(channel_);
        const Column* active = w.activeColumn();
        own.colour = active && active->recipe.keeps(site_, channel_) ? theme.kept : theme.primary;
        own.strong = true;
        median.name = tr("median channel");
        median.colour = theme.rest;
        depthCurve_->setCurves({own, median}, tr("layer"), true);
        depthCurve_->setCurrent(site_.layer);
    }

    void drawPeaks(const SiteStats& stats) {
        std::vector<FactList::Fact> lines;
        peakChannels_.clear();
        for (const TokenPeak& peak : stats.peaks) {
            if (lines.size() == peaksShown) break;
            peakChannels_.push_back(peak.channel);
            lines.push_back(
                {tr("“%1” · window %2, at %3").arg(tokenText(peak.text)).arg(peak.window).arg(peak.position),
                 figure(peak.absmax) + tr(" in %1").arg(peak.channel),
                 tr("|x| reaches %1 in channel %2 at this token: one of the largest of the site. A "
                    "click selects the channel.")
                     .arg(figure(peak.absmax, 4))
                     .arg(peak.channel)});
        }
        peaksHeading_->setText(tr("Dominating tokens"), tr("largest |x| · of the site, and its channel"));
        peaksHeading_->setVisible(!lines.empty());
        peaks_->setVisible(!lines.empty());
        peaks_->setFacts(std::move(lines));
    }

    void writeNote() {
        if (!hasWorkspace()) return;
        const Column* active = workspace().activeColumn();
        const QString name = active ? active->name : QString();
        QStringList parts;
        if (plot_->histogram().front.empty())
            parts << tr("Reading the values of %1…").arg(siteText(site_));
        else if (levels_ > 0)
            parts << gridText(name);
        else if (!name.isEmpty())
            parts << tr("no one grid of %1 for these values").arg(name);
        const ValueCounts& h = plot_->histogram();
        if (const double beyond = h.below.all() + h.above.all(); beyond > 0)
            parts << (beyond == 1
                          ? tr("1 value beyond, at %1").arg(figure(counted_.furthest))
                          : tr("%1 values beyond, up to %2")
                                .arg(grouped(static_cast<std::int64_t>(beyond)), figure(counted_.furthest)));
        if (counted_.every > 1) parts << tr("every %1 token counted").arg(ordinal(counted_.every));
        note_->setFont(Theme::current().small());
        note_->setText(parts.join(QStringLiteral(" · ")));
    }

    QString gridText(const QString& name) const {
        const int inRange = plot_->levelsInRange(), every = plot_->levelsEvery();
        if (every == 1 &&
            inRange < levels_ / 2) // the grid is coarser than the picture is wide: worth saying outright
            return inRange == 1
                       ? tr("tick: one of the %1 levels of %2 falls here").arg(levels_).arg(name)
                       : tr("ticks: %1 of the %2 levels of %3 fall here").arg(inRange).arg(levels_).arg(name);
        return every == 1
                   ? tr("ticks: the %1 levels of %2").arg(levels_).arg(name)
                   : tr("ticks: every %1 of the %2 levels of %3").arg(ordinal(every)).arg(levels_).arg(name);
    }

    HistogramPlot* plot_ = nullptr;
    QLabel* note_ = nullptr;
    Heading* textHeading_ = nullptr;
    TokenStrip* strip_ = nullptr;
    FactList* facts_ = nullptr;
    Heading* peaksHeading_ = nullptr;
    FactList* peaks_ = nullptr;
    std::vector<int> peakChannels_; // of its lines
    Heading* depthHeading_ = nullptr;
    CurvePlot* depthCurve_ = nullptr;
    ClippingPanel* clipping_ = nullptr;
    std::shared_ptr<const SiteSample> drawn_;
    ChannelHistogram counted_; // of drawn_ and drawnChannel_
    QColor drawnColour_;
    Site site_;
    int channel_ = -1, drawnChannel_ = -1, levels_ = 0;
    Aside counting_; // last: what it hands over goes to the above
};

struct ChannelPanelFactory : ViewFactory {
    const char* id() const override { return "channel-panel"; }
    QString title() const override { return View::tr("Channel"); }
    QString summary() const override {
        return View::tr(
            "The chosen channel: histogram with the quantization grid, statistics, dominating tokens.");
    }
    Qt::DockWidgetArea area() const override { return Qt::RightDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new ChannelPanel(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::ChannelPanelFactory> registration;
