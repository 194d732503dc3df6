// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/check_menu.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/legend.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/plot/plot_table.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

struct Statistic {
    const char* name;
    QString (*help)();
    bool logarithmic;
    double (*of)(const SiteStats&); // null: the SQNR of a recipe's rounding
};
QString normHelp() {
    return QObject::tr("∞-norm: the largest |x| of the site, over all tokens and channels.");
}
QString sqnrHelp() {
    return QObject::tr("SQNR = 10 log₁₀(Σ x² / Σ (x − x')²) of the site's values x and what the recipe's "
                       "rounding there makes of them, the model around it in float32, dB.");
}
const Statistic statistics[] = {
    {"kurtosis", kurtosisHelp, true, [](const SiteStats& s) { return s.siteKurtosis; }},
    {"top-1 % energy", energyHelp, false, [](const SiteStats& s) { return s.top1pctEnergy; }},
    {"max / median", ratioHelp, true, [](const SiteStats& s) { return s.maxToMedian; }},
    {"∞-norm", normHelp, true, [](const SiteStats& s) { return static_cast<double>(s.siteAbsmax); }},
    {"SQNR", sqnrHelp, false, nullptr},
};

// One statistic over the layers: each recipe at the chosen Place, or several Places of FP32 (SQNR: of the
// active recipe).
class DepthCurves : public View {
    Q_DECLARE_TR_FUNCTIONS(DepthCurves)
public:
    explicit DepthCurves(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        plot_ = new CurvePlot(page);
        plot_->setAccessibleName(tr("Statistic by layer"));
        legend_ = new Legend(page);
        auto* column = new QVBoxLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(2);
        column->addWidget(plot_, 1);
        auto* line = new QHBoxLayout;
        line->addWidget(legend_, 1);
        column->addLayout(line);
        setBody(page);
        QStringList names, helps;
        for (const Statistic& statistic : statistics) {
            names.append(QString::fromUtf8(statistic.name));
            helps.append(statistic.help());
        }
        statistic_ = new QuietChoice(names, tr("Statistic"), helps.join(QStringLiteral("\n\n")), this);
        lines_ = new QuietChoice(
            {tr("recipes"), tr("Places")}, tr("Lines"),
            tr("recipes: one line per recipe at the chosen Place.\nPlaces: several Places under FP32, or for "
               "SQNR under the active recipe."),
            this);
        places_ =
            new CheckMenu(tr("Places"), tr("Which Places have a line; the chosen one always has"), this);
        places_->hide();
        connect(places_, &CheckMenu::changed, this, [this] {
            if (hasWorkspace()) refresh(Change::everything);
        });
        line->addWidget(places_, 0, Qt::AlignTop);
        heading()->addControl(lines_);
        heading()->addControl(statistic_);
        for (QComboBox* choice : {statistic_, lines_})
            connect(choice, &QComboBox::currentIndexChanged, this, [this] {
                places_->setVisible(showsPlaces());
                emit needsChanged();
                if (hasWorkspace()) refresh(Change::everything);
            });
        connect(plot_, &CurvePlot::pointClicked, this,
                [this](int curve, int index) { emit siteSelected(siteOf(curve, index)); });
        connect(legend_, &Legend::entryClicked, this, [this](int entry) {
            if (showsPlaces())
                emit siteSelected(siteOf(entry, std::max(0, workspace().site.layer)));
            else
                emit columnActivated(keys_[static_cast<std::size_t>(entry)]);
        });
        connect(plot_, &CurvePlot::pointHovered, this, [this](int curve, int index) {
            if (curve < 0) return QToolTip::hideText();
            const Curve& line = plot_->curves()[static_cast<std::size_t>(curve)];
            const QString text =
                QString("%1, %2: %3 %4")
                    .arg(siteText(siteOf(curve, index)), line.name, statistic_->currentText(),
                         write(line.y[static_cast<std::size_t>(index)]));
            emit message(text);
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plot_->canvas());
        });
    }

    Needs needs() const override {
        if (!showsSqnr()) return {};
        return showsPlaces() ? Need::errors : Need::everyErrors;
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        QStringList names;
        std::size_t points = 0;
        for (const Curve& curve : plot_->curves()) {
            names.append(curve.name);
            points = std::max(points, curve.x.size());
        }
        return QString("%1, %2 lines × %3 layers (%4), %5…%6")
            .arg(statistic_->currentText())
            .arg(names.size())
            .arg(points)
            .arg(names.join(", "), write(plot_->lowest()), write(plot_->highest()));
    }

    ViewTable numbers() const override { return curveTable(tr("layer"), plot_->curves()); }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) plot_->applyTheme();
        const Statistic& statistic = statistics[statistic_->currentIndex()];
        const Column* active = w.activeColumn();
        const QString who = !showsPlaces() ? placeText(w.site.place)
                            : showsSqnr()  ? (active ? active->name : QString())
                                           : tr("FP32");
        heading()->setText(tr("Depth"), who + (statistic.logarithmic ? tr(", log")
                                               : showsSqnr()         ? tr(", dB")
                                                                     : QString()));
        heading()->setToolTip(statistic.help());
        if (!w.model) return setEmpty(tr("Open a model to see how its outliers grow with depth."));
        if (!w.baseline())
            return setEmpty(tr("The curves appear as soon as text has run through the model."));
        if (!(what & ~Changes(Change::kept | Change::marked | Change::sample | Change::reading |
                              Change::text | Change::sensitivity | Change::history)))
            return;
        // Along the depth of one Place only the cursor moves.
        if (what == Changes(Change::selection) && !isEmpty() && w.site.place == drawnPlace_)
            return plot_->setCurrent(w.site.layer >= 0 ? w.site.layer : std::nan(""));
        drawnPlace_ = w.site.place;
        offerPlaces();
        std::vector<Curve> curves = showsPlaces() ? placeCurves(statistic) : recipeCurves(statistic);
        if (curves.empty() && showsSqnr() && isPerLayer(w.site.place)) return setEmpty(sqnrSentence());
        if (curves.empty())
            return setEmpty(
                isPerLayer(w.site.place)
                    ? tr("%1 was not observed. Choose another Place in the model map.")
                          .arg(placeText(w.site.place))
                    : tr("%1 exists once, not in every layer. Choose another Place, or show Places.")
                          .arg(placeText(w.site.place)));
        QList<Legend::Entry> entries;
        for (const Curve& curve : curves)
            entries.append({curve.name, curve.colour, curve.strong, curve.dashed});
        legend_->setEntries(entries);
        plot_->setCurves(std::move(curves), tr("layer"), statistic.logarithmic,
                         statistic_->currentIndex() == 1);
        plot_->setCurrent(w.site.layer >= 0 ? w.site.layer : std::nan(""));
        setEmpty({});
    }

private:
    bool showsPlaces() const { return lines_->currentIndex() == 1; }
    bool showsSqnr() const { return !statistics[statistic_->currentIndex()].of; }

    void offerPlaces() {
        QStringList all, first;
        for (const Place place : workspace().model->places)
            if (isPerLayer(place)) all.append(placeText(place));
        for (const Place place : {Place::attn_input, Place::attn_context, Place::mlp_input, Place::mlp_hidden,
                                  Place::mlp_residual})
            first.append(placeText(place));
        places_->setEntries(all, first);
    }

    QString sqnrSentence() const {
        const Workspace& w = workspace();
        bool waiting = false, any = false;
        for (const Column& column : w.columns)
            if (!column.recipe.isFp32()) any = true, waiting |= !column.errors;
        if (!any) return tr("FP32 rounds nothing. Add a recipe to see its signal to noise.");
        return waiting ? tr("Measuring what rounding does at every site…")
                       : tr("No recipe rounds %1. Choose another Place in the model map.")
                             .arg(placeText(w.site.place));
    }
    QString write(double value) const {
        return statistic_->currentIndex() == 1 ? percent(value, 1)
               : showsSqnr()                   ? fixed(value, 1) + tr(" dB")
                                               : figure(value);
    }
    Site siteOf(int curve, int index) const {
        const auto at = static_cast<std::size_t>(curve);
        const double layer = index < static_cast<int>(plot_->curves()[at].x.size())
                                 ? plot_->curves()[at].x[static_cast<std::size_t>(index)]
                                 : index;
        return {static_cast<int>(layer),
                showsPlaces() ? static_cast<Place>(keys_[at]) : workspace().site.place};
    }

    std::optional<Curve> curve(const Column& column, Place place, const Statistic& statistic) const {
        // One pass over the sites, not a search for each layer: there are a thousand of them.
        std::vector<std::optional<double>> at(static_cast<std::size_t>(workspace().model->layers));
        const auto take = [&](Site site, double value) {
            if (site.place == place && site.layer >= 0 && site.layer < static_cast<int>(at.size()))
                at[static_cast<std::size_t>(site.layer)] = value;
        };
        if (!statistic.of && column.errors) {
            for (const SiteError& error : column.errors->sites)
                if (std::isfinite(error.sqnrDb)) take(error.site, error.sqnrDb);
        } else if (statistic.of && column.observation) {
            const Observation& seen = *column.observation;
            for (const SiteStats& stats : workspace().skipFirstToken ? seen.withoutFirstToken : seen.sites)
                if (stats.site.place == place && !stats.empty()) take(stats.site, statistic.of(stats));
        }
        Curve line;
        for (std::size_t layer = 0; layer < at.size(); ++layer) {
            if (!at[layer]) continue;
            line.x.push_back(static_cast<double>(layer));
            line.y.push_back(*at[layer]);
        }
        if (line.x.empty()) return std::nullopt;
        return line;
    }

    std::vector<Curve> recipeCurves(const Statistic& statistic) {
        const Workspace& w = workspace();
        std::vector<Curve> curves;
        keys_.clear();
        for (std::size_t i = 0; i < w.columns.size(); ++i) {
            const Column& column = w.columns[i];
            auto line = isPerLayer(w.site.place) ? curve(column, w.site.place, statistic) : std::nullopt;
            if (!line) continue;
            line->name = column.name;
            line->colour = Theme::current().line(static_cast<int>(i));
            line->strong = static_cast<int>(i) == w.active;
            line->dashed = i == 0 && w.columns.size() > 1;
            curves.push_back(std::move(*line));
            keys_.push_back(static_cast<int>(i));
        }
        return curves;
    }

    std::vector<Curve> placeCurves(const Statistic& statistic) {
        const Workspace& w = workspace();
        const QStringList wanted = places_->checked();
        std::vector<Place> places;
        for (const Place place : w.model->places)
            if (isPerLayer(place) && (wanted.contains(placeText(place)) || place == w.site.place))
                places.push_back(place);
        const Column& of = showsSqnr() && w.activeColumn() ? *w.activeColumn() : w.columns.front();
        std::vector<Curve> curves;
        keys_.clear();
        for (std::size_t i = 0; i < places.size(); ++i) {
            auto line = curve(of, places[i], statistic);
            if (!line) continue;
            line->name = placeText(places[i]);
            line->colour = Theme::current().line(static_cast<int>(i) + 1);
            line->strong = places[i] == w.site.place;
            curves.push_back(std::move(*line));
            keys_.push_back(static_cast<int>(places[i]));
        }
        return curves;
    }

    CurvePlot* plot_ = nullptr;
    Legend* legend_ = nullptr;
    QComboBox* statistic_ = nullptr;
    QComboBox* lines_ = nullptr;
    CheckMenu* places_ = nullptr;
    Place drawnPlace_ = Place::embedding;
    std::vector<int> keys_; // of each curve: its column, or its Place
};

struct DepthCurvesFactory : ViewFactory {
    const char* id() const override { return "depth-curves"; }
    QString title() const override { return View::tr("Depth"); }
    QString summary() const override {
        return View::tr(
            "Kurtosis, energy, max / median, ∞-norm or SQNR by layer, one line per recipe or Place.");
    }
    Qt::DockWidgetArea area() const override { return Qt::BottomDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new DepthCurves(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::DepthCurvesFactory> registration;
