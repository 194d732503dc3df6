// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/parts/text_entry.h"
#include "widgets/plot/bar_tile.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/plot/plot_table.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QLabel>
#include <QStackedLayout>
#include <QToolTip>
#include <QVBoxLayout>

#include <cmath>

namespace kurtoscope {
namespace {

// A person's own text, token by channel, at the chosen site.
class TokenMap : public View {
    Q_DECLARE_TR_FUNCTIONS(TokenMap)
public:
    explicit TokenMap(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        entry_ = new TextEntry(tr("type a text…"),
                               tr("Run this text through the model and show |x| of every token and channel "
                                  "at the chosen site (Enter)"),
                               false, page);
        plot_ = new HeatMapPlot(page);
        plot_->setAccessibleName(tr("Token by channel heat map"));
        plot_->setBlocks(false);
        bars_ = new BarTile(page);
        bars_->setAccessibleName(tr("Token by channel as bars in space"));
        hint_ = new QLabel(page);
        hint_->setAlignment(Qt::AlignCenter);
        hint_->setWordWrap(true);
        hint_->setProperty("muted", true);
        auto* pictures = new QWidget(page);
        pages_ = new QStackedLayout(pictures);
        pages_->addWidget(hint_);
        pages_->addWidget(plot_);
        pages_->addWidget(bars_);
        picture_ =
            new QuietChoice({tr("map"), tr("3-D bars")}, tr("Picture"),
                            tr("map: tokens × channels in log colour.\n3-D bars: the same with |x| as "
                               "height; drag turns, wheel stretches, a click picks the bar's channel."),
                            this);
        heading()->addControl(picture_);
        connect(picture_, &QComboBox::currentIndexChanged, this, [this] {
            if (hasWorkspace()) refresh(Change::everything);
        });
        connect(bars_, &BarTile::cellChosen, this, &TokenMap::select);
        connect(bars_, &BarTile::cellHovered, this, [this](int token, int channel) {
            const QString text = sentence(token, channel);
            emit message(text);
            if (text.isEmpty()) return QToolTip::hideText();
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, bars_);
        });
        auto* column = new QVBoxLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(Theme::current().spacing / 2);
        column->addWidget(entry_);
        column->addWidget(pictures, 1);
        setBody(page);
        connect(entry_, &TextEntry::textRun, this, &View::textTyped);
        connect(plot_, &HeatMapPlot::cellChosen, this,
                [this](int token, int channel, bool) { select(token, channel); });
        connect(plot_, &HeatMapPlot::currentMoved, this, &TokenMap::select);
        connect(plot_, &HeatMapPlot::cellHovered, this, [this](int token, int channel) {
            const QString text = sentence(token, channel);
            emit message(text);
            if (text.isEmpty()) return QToolTip::hideText();
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plot_->canvas());
        });
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        if (pages_->currentIndex() == 0) return hint_->text();
        float most = 0;
        for (const float value : plot_->map().values)
            if (std::isfinite(value)) most = std::max(most, value);
        return QString("%1 tokens × %2 channels, %3, |x| up to %4%5")
            .arg(plot_->map().rows)
            .arg(plot_->map().columns)
            .arg(siteText(site_), figure(most),
                 pages_->currentIndex() == 2
                     ? QString(", %1 × %2 bars").arg(bars_->tile().rows).arg(bars_->tile().columns)
                     : QString());
    }

    ViewTable numbers() const override {
        return isEmpty() || pages_->currentIndex() == 0 ? ViewTable() : heatTable(plot_->map());
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) {
            plot_->applyTheme();
            bars_->applyTheme();
        }
        heading()->setText(tr("Token map"), tr("your own text · |x| of token × channel"));
        if (!w.model) return setEmpty(tr("Open a model, then type a text to see its tokens × channels."));
        setEmpty({});
        entry_->setText(w.text);
        const auto typed = w.typed;
        if (!typed || typed->rows() == 0 || typed->channels == 0) {
            hint_->setText(
                tr("Type a text above and press Run: every token becomes a row, every channel a column."));
            pages_->setCurrentIndex(0);
            drawn_.reset();
            return;
        }
        heading()->setText(tr("Token map"),
                           tr("%1 · |x| of token × channel · log colour").arg(siteText(typed->site)));
        if (typed != drawn_) {
            drawn_ = typed;
            site_ = typed->site;
            HeatMap map;
            map.rows = typed->rows();
            map.columns = typed->channels;
            map.values.resize(typed->values.size());
            std::transform(typed->values.begin(), typed->values.end(), map.values.begin(),
                           [](float x) { return std::abs(x); });
            for (const std::string& token : typed->tokens)
                map.rowLabels.append(tokenText(token));
            map.columnTitle = tr("channel");
            map.valueTitle = tr("|x|, log");
            plot_->setMap(std::move(map));
            barsDrawn_ = false;
        }
        const bool inSpace = picture_->currentIndex() == 1;
        if (inSpace && !barsDrawn_) {
            bars_->setMap(plot_->map(), plot_->lowest(), plot_->highest());
            barsDrawn_ = true;
        }
        Marks kept;
        if (const Column* active = w.activeColumn())
            if (const auto found = active->recipe.kept.find(site_); found != active->recipe.kept.end())
                for (int row = 0; row < plot_->map().rows; ++row)
                    kept[row] = found->second;
        plot_->setKept(std::move(kept));
        plot_->setCurrent(w.channel < 0 ? -1 : std::max(0, w.token), w.site == site_ ? w.channel : -1);
        bars_->setCurrent(w.channel < 0 ? -1 : std::max(0, w.token), w.site == site_ ? w.channel : -1);
        pages_->setCurrentIndex(inSpace ? 2 : 1);
    }

private:
    void select(int token, int channel) {
        emit channelSelected(site_, channel);
        emit tokenSelected(token);
        emit message(sentence(token, channel));
    }
    QString sentence(int token, int channel) const {
        if (!drawn_ || token < 0 || token >= drawn_->rows() || channel < 0 || channel >= drawn_->channels)
            return {};
        return tr("token %1 “%2”, channel %3: %4 at %5")
            .arg(token)
            .arg(tokenText(drawn_->tokens[static_cast<std::size_t>(token)]))
            .arg(channel)
            .arg(figure(drawn_->at(token, channel), 4), siteText(site_));
    }

    TextEntry* entry_ = nullptr;
    HeatMapPlot* plot_ = nullptr;
    BarTile* bars_ = nullptr;
    QComboBox* picture_ = nullptr;
    QLabel* hint_ = nullptr;
    QStackedLayout* pages_ = nullptr;
    std::shared_ptr<const SiteSample> drawn_;
    bool barsDrawn_ = false; // bars are made when they are looked at
    Site site_;
};

struct TokenMapFactory : ViewFactory {
    const char* id() const override { return "token-map"; }
    QString title() const override { return View::tr("Token map"); }
    QString summary() const override {
        return View::tr("A text of your own, token by channel at the chosen site.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 1; }
    View* make(QWidget* parent) const override { return new TokenMap(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::TokenMapFactory> registration;
