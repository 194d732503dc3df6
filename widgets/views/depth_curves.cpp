// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/legend.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

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
    double (*of)(const SiteStats&);
};
const Statistic statistics[] = {
    {"kurtosis", kurtosisHelp, true, [](const SiteStats& s) { return s.siteKurtosis; }},
    {"top-1 % energy", energyHelp, false, [](const SiteStats& s) { return s.top1pctEnergy; }},
    {"max / median", ratioHelp, true, [](const SiteStats& s) { return s.maxToMedian; }},
};

// One statistic over the layers: each recipe at the chosen Place, or several Places of FP32.
class DepthCurves : public View {
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
        column->addWidget(legend_);
        setBody(page);
        statistic_ = new QuietChoice({"kurtosis", "top-1 % energy", "max / median"}, tr("Statistic"),
                                     kurtosisHelp() + "\n\n" + energyHelp() + "\n\n" + ratioHelp(), this);
        lines_ = new QuietChoice(
            {tr("recipes"), tr("Places")}, tr("Lines"),
            tr("recipes: one line per recipe at the chosen Place.\nPlaces: several Places under FP32."),
            this);
        heading()->addControl(lines_);
        heading()->addControl(statistic_);
        for (QComboBox* choice : {statistic_, lines_})
            connect(choice, &QComboBox::currentIndexChanged, this, [this] {
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

    QString describe() const override {
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

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) plot_->applyTheme();
        const Statistic& statistic = statistics[statistic_->currentIndex()];
        heading()->setText(tr("Depth"), (showsPlaces() ? tr("FP32") : placeText(w.site.place)) +
                                            (statistic.logarithmic ? tr(", log") : QString()));
        heading()->setToolTip(statistic.help());
        if (!w.model) return setEmpty(tr("Open a model to see how its outliers grow with depth."));
        if (!w.baseline())
            return setEmpty(tr("The curves appear as soon as text has run through the model."));
        if (!(what & ~Changes(Change::kept | Change::marked | Change::sample | Change::reading))) return;
        std::vector<Curve> curves = showsPlaces() ? placeCurves(statistic) : recipeCurves(statistic);
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
    QString write(double value) const {
        return statistic_->currentIndex() == 1 ? percent(value, 1) : figure(value);
    }
    Site siteOf(int curve, int index) const {
        const auto at = static_cast<std::size_t>(curve);
        const double layer = index < static_cast<int>(plot_->curves()[at].x.size())
                                 ? plot_->curves()[at].x[static_cast<std::size_t>(index)]
                                 : index;
        return {static_cast<int>(layer),
                showsPlaces() ? static_cast<Place>(keys_[at]) : workspace().site.place};
    }

    std::optional<Curve> curve(const Observation& seen, Place place, const Statistic& statistic) const {
        Curve line;
        for (int layer = 0; layer < workspace().model->layers; ++layer)
            if (const SiteStats* stats = seen.find({layer, place}, workspace().skipFirstToken);
                stats && !stats->empty()) {
                line.x.push_back(layer);
                line.y.push_back(statistic.of(*stats));
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
            auto line = column.observation && isPerLayer(w.site.place)
                            ? curve(*column.observation, w.site.place, statistic)
                            : std::nullopt;
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
        std::vector<Place> places{Place::attn_input, Place::attn_context, Place::mlp_input, Place::mlp_hidden,
                                  Place::mlp_residual};
        if (isPerLayer(w.site.place) && std::find(places.begin(), places.end(), w.site.place) == places.end())
            places.push_back(w.site.place);
        std::vector<Curve> curves;
        keys_.clear();
        for (std::size_t i = 0; i < places.size(); ++i) {
            auto line = curve(*w.baseline(), places[i], statistic);
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
    std::vector<int> keys_; // of each curve: its column, or its Place
};

struct DepthCurvesFactory : ViewFactory {
    const char* id() const override { return "depth-curves"; }
    QString title() const override { return QStringLiteral("Depth"); }
    QString summary() const override {
        return QStringLiteral(
            "Kurtosis, top-1 % energy or max / median by layer, one line per recipe or Place.");
    }
    Qt::DockWidgetArea area() const override { return Qt::BottomDockWidgetArea; }
    int order() const override { return 0; }
    View* make(QWidget* parent) const override { return new DepthCurves(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::DepthCurvesFactory> registration;
