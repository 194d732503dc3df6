// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/block_diagram.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/layer_stats.h"
#include "widgets/parts/row_list.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QFontMetrics>
#include <QLabel>
#include <QScrollArea>
#include <QScrollBar>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

constexpr int sparkBins = 48;

// One layer as a drawing of its tensors, and all layers with what their channels look like: where the
// outliers live.
class ModelMap : public View {
    Q_DECLARE_TR_FUNCTIONS(ModelMap)
public:
    explicit ModelMap(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        places_ = new BlockDiagram(page);
        places_->setAccessibleName(tr("Places of the layer"));
        meaning_ = new QLabel(page);
        meaning_->setObjectName("meaning");
        meaning_->setWordWrap(true);
        meaning_->setProperty("muted", true);
        meaning_->setFont(Theme::current().small());
        layersHeading_ = new Heading(page);
        layers_ = new RowList(16, 30, page);
        layers_->setAccessibleName(tr("Layers"));
        auto* column = new QVBoxLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(Theme::current().spacing / 2);
        column->addWidget(places_);
        column->addWidget(meaning_);
        column->addSpacing(Theme::current().spacing / 2);
        column->addWidget(layersHeading_);
        column->addWidget(layers_, 1); // as tall as there is room for
        column->addStretch(0);
        scroll_ = new QScrollArea(this);
        scroll_->setWidget(page);
        scroll_->setWidgetResizable(true);
        page->setBackgroundRole(QPalette::Base);
        scroll_->setFrameShape(QFrame::NoFrame);
        scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        scroll_->setFocusPolicy(Qt::NoFocus);
        setBody(scroll_);
        connect(places_, &BlockDiagram::placeChosen, this, [this](Place place) {
            emit siteSelected({isPerLayer(place) ? layer_ : -1, place});
        });
        connect(layers_, &RowList::rowChosen, this, [this](int row) { emit siteSelected({row, barPlace_}); });
        connect(layers_, &RowList::currentShown, this, [this](QRect area) {
            if (layers_->hasFocus())
                scroll_->ensureVisible(10, layers_->mapTo(scroll_->widget(), area.center()).y(), 0, 40);
        });
    }
    // As wide as its longest words need: a tensor's name must not be elided.
    QSize sizeHint() const override {
        const Theme& theme = Theme::current();
        const int gap = theme.spacing, figures = QFontMetrics(theme.small()).horizontalAdvance("88.8k");
        const auto wide = [&](const QFont& font, Place place, double start) {
            return static_cast<int>((start + 0.85) * theme.fontSize) +
                   QFontMetrics(font).horizontalAdvance(placeText(place));
        };
        const int words = std::max(wide(theme.strong(), Place::attn_residual, 0.9),
                                   wide(theme.body(), Place::attn_context, 2.5));
        return {words + figures + 14 + 2 * (gap + 4) + 12, 700}; // margins, and a scroll bar's width
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        const auto known = std::count_if(layers_->rows().begin(), layers_->rows().end(),
                                         [](const auto& row) { return row.known; });
        return QString("%1 Places, %2 layers, %3 selected in layer %4, kurtosis of %5 layers")
            .arg(places_->places().size())
            .arg(layers_->rows().size())
            .arg(places_->current() ? placeText(*places_->current()) : QStringLiteral("none"))
            .arg(layer_)
            .arg(known);
    }

    ViewTable numbers() const override {
        ViewTable table{{"site", "channels", "kurtosis", "max_to_median", "top_1pct_energy", "absmax"}, {}};
        if (isEmpty()) return table;
        const auto add = [&](Site site) {
            const SiteStats* stats = workspace().stats(site);
            if (!stats || stats->empty()) return;
            table.rows.append({siteText(site), QString::number(stats->channels),
                               ViewTable::number(stats->siteKurtosis), ViewTable::number(stats->maxToMedian),
                               ViewTable::number(stats->top1pctEnergy),
                               ViewTable::number(static_cast<double>(stats->siteAbsmax))});
        };
        for (const Place place : places_->places())
            add({isPerLayer(place) ? layer_ : -1, place});
        for (int layer = 0; layer < static_cast<int>(layers_->rows().size()); ++layer)
            if (layer != layer_) add({layer, barPlace_});
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        heading()->setText(tr("Model map"), QString());
        if (!w.model) return setEmpty(tr("Open a model to see its layers."));
        if (what & Change::model) layer_ = 0;
        if (w.site.layer >= 0) layer_ = std::min(w.site.layer, std::max(0, w.model->layers - 1));
        if (isPerLayer(w.site.place)) barPlace_ = w.site.place;
        heading()->setText(tr("Model map"), tr("layer %1 · kurtosis").arg(layer_));
        heading()->setToolTip(
            tr("Layer %1 as it computes: the thick line is the residual stream, ⊕ adds a branch to it, and "
               "each "
               "dot is a tensor with its kurtosis.\nA dot grows and darkens with kurtosis and with max / "
               "median; the stream takes the colour of the tensor that flows in it.\n")
                .arg(layer_) +
            kurtosisHelp());
        layersHeading_->setText(tr("Layers"), tr("%1 · channels and kurtosis").arg(placeText(barPlace_)));
        layersHeading_->setToolTip(
            tr("Each layer's channels from first to last as a skyline of their absmax, log: "
               "an outlier is a spike.\nThe line under it and the figure: kurtosis, log.\n") +
            kurtosisHelp());
        if (what & Change::theme) meaning_->setFont(Theme::current().small());
        setEmpty({});
        drawPlaces(what & Change::model || w.model != drawnModel_);
        drawnModel_ = w.model;
        drawLayers();
    }

private:
    void drawPlaces(bool anew) {
        const Workspace& w = workspace();
        if (anew) places_->setPlan(blockPlan(*w.model));
        std::map<Place, BlockDiagram::Tap> taps;
        for (const Place place : places_->places()) {
            const SiteStats* stats = w.stats({isPerLayer(place) ? layer_ : -1, place});
            BlockDiagram::Tap tap;
            tap.known = stats && !stats->empty();
            tap.tip = placeText(place) + tr(": ") + meaningOf(place);
            if (tap.known) {
                tap.severity = severity(*stats);
                tap.figure = figure(stats->siteKurtosis);
                tap.tip += tr("\n%1 channels · kurtosis %2 (Gaussian 3) · max / median %3 · energy in the "
                              "top 1 %: %4")
                               .arg(stats->channels)
                               .arg(figure(stats->siteKurtosis), figure(stats->maxToMedian),
                                    percent(stats->top1pctEnergy));
            } else {
                tap.tip += tr("\nnot observed");
            }
            taps[place] = std::move(tap);
        }
        const Site enters = layer_ > 0
                                ? Site{layer_ - 1, w.model->postNorm ? Place::mlp_norm : Place::mlp_residual}
                                : Site{-1, Place::embedding};
        const SiteStats* before = w.stats(enters);
        places_->setLayer(layer_, w.model->layers, before && !before->empty() ? severity(*before) : -1);
        places_->setTaps(std::move(taps));
        places_->setCurrent(w.site.place);
        const SiteStats* chosen = w.stats(w.site);
        meaning_->setText(
            siteText(w.site) + tr(": ") + meaningOf(w.site.place) +
            (chosen && !chosen->empty() ? tr(" · %1 channels").arg(grouped(chosen->channels)) : QString()));
    }

    static QString meaningOf(Place place) {
        const auto meaning = placeMeaning(place);
        return QString::fromUtf8(meaning.data(), static_cast<qsizetype>(meaning.size()));
    }

    // The largest |x| of neighbouring channels, on one log scale for all layers, which begins where a quarter
    // of them lie below: from the smallest of all, ordinary channels would be walls and outliers bumps.
    void poolLayers(const std::vector<const SiteStats*>& statsOf) {
        const Workspace& w = workspace();
        const auto seen = w.columns.empty() ? nullptr : w.columns.front().observation;
        if (seen == pooledOf_ && barPlace_ == pooledPlace_ && w.skipFirstToken == pooledSkip_) return;
        pooledOf_ = seen;
        pooledPlace_ = barPlace_;
        pooledSkip_ = w.skipFirstToken;
        sparks_.assign(static_cast<std::size_t>(w.model->layers), {});
        std::vector<float> all;
        for (std::size_t layer = 0; layer < statsOf.size(); ++layer) {
            const SiteStats* stats = statsOf[layer];
            if (!stats) continue;
            const std::size_t channels = stats->absmax.size(),
                              bins = std::min<std::size_t>(sparkBins, channels);
            auto& spark = sparks_[layer];
            spark.assign(bins, 0);
            for (std::size_t bin = 0; bin < bins; ++bin)
                for (std::size_t c = bin * channels / bins; c < (bin + 1) * channels / bins; ++c)
                    if (std::isfinite(stats->absmax[c])) spark[bin] = std::max(spark[bin], stats->absmax[c]);
            for (const float most : spark)
                if (most > 0) all.push_back(most);
        }
        if (all.empty()) return;
        const auto quarter = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 4);
        std::nth_element(all.begin(), quarter, all.end());
        float low = *quarter;
        const float high = *std::max_element(all.begin(), all.end());
        if (!(high > low)) low = high / 10;
        const float range = std::log(high / low);
        for (auto& spark : sparks_)
            for (float& most : spark)
                most =
                    most > 0 && range > 0 ? 0.08F + 0.92F * std::max(0.0F, std::log(most / low) / range) : 0;
    }

    void drawLayers() {
        const Workspace& w = workspace();
        const auto statsOf = layerStats(w, barPlace_);
        poolLayers(statsOf);
        double most = 10;
        for (const SiteStats* stats : statsOf)
            if (stats) most = std::max(most, stats->siteKurtosis);
        std::vector<RowList::Row> rows;
        for (int layer = 0; layer < w.model->layers; ++layer) {
            const SiteStats* stats = statsOf[static_cast<std::size_t>(layer)];
            RowList::Row row;
            row.label = QString::number(layer);
            row.known = stats != nullptr;
            row.bar = row.known ? std::log10(std::max(1.0, stats->siteKurtosis)) / std::log10(most) : 0;
            row.spark = sparks_[static_cast<std::size_t>(layer)];
            row.figure = row.known ? figure(stats->siteKurtosis) : QString();
            row.tip = row.known ? siteText({layer, barPlace_}) +
                                      tr(": kurtosis %1, absmax %2\n")
                                          .arg(figure(stats->siteKurtosis),
                                               figure(static_cast<double>(stats->siteAbsmax))) +
                                      kurtosisHelp()
                                : tr("not observed");
            rows.push_back(std::move(row));
        }
        layers_->setRows(std::move(rows));
        layers_->setCurrent(w.site.layer);
    }

    QScrollArea* scroll_ = nullptr;
    BlockDiagram* places_ = nullptr;
    QLabel* meaning_ = nullptr; // of the Place that is chosen
    Heading* layersHeading_ = nullptr;
    RowList* layers_ = nullptr;
    std::shared_ptr<const ModelInfo> drawnModel_;
    std::shared_ptr<const Observation> pooledOf_;
    Place pooledPlace_ = Place::embedding;
    bool pooledSkip_ = false;
    std::vector<std::vector<float>> sparks_; // of the layers, 0…1
    int layer_ = 0;
    Place barPlace_ = Place::attn_input; // the last per-layer one, while a Place that exists once is chosen
};

struct ModelMapFactory : ViewFactory {
    const char* id() const override { return "model-map"; }
    QString title() const override { return View::tr("Model map"); }
    QString summary() const override {
        return View::tr(
            "One layer as a drawing, every tensor a dot, and all layers: choose what the maps show.");
    }
    Qt::DockWidgetArea area() const override { return Qt::LeftDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new ModelMap(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::ModelMapFactory> registration;
