// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/row_list.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QScrollArea>
#include <QScrollBar>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// The Places of one layer in the order in which a block makes them, and all layers as bars: where the
// outliers live.
class ModelMap : public View {
public:
    explicit ModelMap(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        places_ = new RowList(22, page);
        places_->setAccessibleName(tr("Places of the layer"));
        layersHeading_ = new Heading(page);
        layers_ = new RowList(15, page);
        layers_->setAccessibleName(tr("Layers"));
        auto* column = new QVBoxLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(Theme::current().spacing / 2);
        column->addWidget(places_);
        column->addSpacing(Theme::current().spacing / 2);
        column->addWidget(layersHeading_);
        column->addWidget(layers_);
        column->addStretch(1);
        scroll_ = new QScrollArea(this);
        scroll_->setWidget(page);
        scroll_->setWidgetResizable(true);
        page->setBackgroundRole(QPalette::Base);
        scroll_->setFrameShape(QFrame::NoFrame);
        scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        scroll_->setFocusPolicy(Qt::NoFocus);
        setBody(scroll_);
        connect(places_, &RowList::rowChosen, this, [this](int row) {
            const Place place = shown_[static_cast<std::size_t>(row)];
            emit siteSelected({isPerLayer(place) ? layer_ : -1, place});
        });
        connect(layers_, &RowList::rowChosen, this, [this](int row) { emit siteSelected({row, barPlace_}); });
        connect(layers_, &RowList::currentShown, this, [this](QRect area) {
            if (layers_->hasFocus())
                scroll_->ensureVisible(10, layers_->mapTo(scroll_->widget(), area.center()).y(), 0, 40);
        });
    }
    QSize sizeHint() const override { return {236, 700}; }

    QString describe() const override {
        if (isEmpty()) return emptyText();
        const int place = places_->current();
        const auto known = std::count_if(layers_->rows().begin(), layers_->rows().end(),
                                         [](const auto& row) { return row.known; });
        return QString("%1 Places, %2 layers, %3 selected in layer %4, kurtosis of %5 layers")
            .arg(shown_.size())
            .arg(layers_->rows().size())
            .arg(place >= 0 ? placeText(shown_[static_cast<std::size_t>(place)]) : QStringLiteral("none"))
            .arg(layer_)
            .arg(known);
    }

    ViewTable table() const override {
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
        for (const Place place : shown_)
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
            tr("The Places of layer %1 in the order in which it makes them, with each one's kurtosis.\n"
               "The dot grows with kurtosis and with max / median.\n")
                .arg(layer_) +
            kurtosisHelp());
        layersHeading_->setText(tr("Layers"), tr("kurtosis of %1, log").arg(placeText(barPlace_)));
        setEmpty({});
        drawPlaces();
        drawLayers();
    }

private:
    void drawPlaces() {
        const Workspace& w = workspace();
        shown_ = w.model->places;
        std::vector<RowList::Row> rows;
        int current = -1;
        for (const Place place : shown_) {
            const SiteStats* stats = w.stats({isPerLayer(place) ? layer_ : -1, place});
            RowList::Row row;
            row.label = placeText(place);
            row.known = stats && !stats->empty();
            row.severity = row.known ? severity(*stats) : 0;
            row.figure = row.known ? figure(stats->siteKurtosis) : QString();
            const auto meaning = placeMeaning(place);
            row.tip = QString::fromUtf8(meaning.data(), static_cast<qsizetype>(meaning.size()));
            if (row.known)
                row.tip += tr("\n%1 channels · kurtosis %2 (Gaussian 3) · max / median %3 · energy in the "
                              "top 1 %: %4")
                               .arg(stats->channels)
                               .arg(figure(stats->siteKurtosis), figure(stats->maxToMedian),
                                    percent(stats->top1pctEnergy));
            else
                row.tip += tr("\nnot observed");
            if (place == w.site.place) current = static_cast<int>(rows.size());
            rows.push_back(std::move(row));
        }
        places_->setRows(std::move(rows));
        places_->setCurrent(current);
    }

    void drawLayers() {
        const Workspace& w = workspace();
        double most = 10;
        for (int layer = 0; layer < w.model->layers; ++layer)
            if (const SiteStats* stats = w.stats({layer, barPlace_}))
                most = std::max(most, stats->siteKurtosis);
        std::vector<RowList::Row> rows;
        for (int layer = 0; layer < w.model->layers; ++layer) {
            const SiteStats* stats = w.stats({layer, barPlace_});
            RowList::Row row;
            row.label = QString::number(layer);
            row.known = stats && !stats->empty();
            row.bar = row.known ? std::log10(std::max(1.0, stats->siteKurtosis)) / std::log10(most) : 0;
            row.figure = row.known ? figure(stats->siteKurtosis) : QString();
            row.tip = row.known ? siteText({layer, barPlace_}) +
                                      tr(": kurtosis %1, absmax %2\n")
                                          .arg(figure(stats->siteKurtosis), figure(stats->siteAbsmax)) +
                                      kurtosisHelp()
                                : tr("not observed");
            rows.push_back(std::move(row));
        }
        layers_->setRows(std::move(rows));
        layers_->setCurrent(w.site.layer);
    }

    QScrollArea* scroll_ = nullptr;
    RowList* places_ = nullptr;
    Heading* layersHeading_ = nullptr;
    RowList* layers_ = nullptr;
    std::vector<Place> shown_;
    int layer_ = 0;
    Place barPlace_ = Place::attn_input; // the last per-layer one, while a Place that exists once is chosen
};

struct ModelMapFactory : ViewFactory {
    const char* id() const override { return "model-map"; }
    QString title() const override { return QStringLiteral("Model map"); }
    QString summary() const override {
        return QStringLiteral(
            "A layer's Places in order, and the layers by kurtosis: choose what the maps show.");
    }
    Qt::DockWidgetArea area() const override { return Qt::LeftDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new ModelMap(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::ModelMapFactory> registration;
