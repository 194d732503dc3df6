// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/parts/row_list.h"
#include "widgets/parts/text_entry.h"
#include "widgets/plot/heat_map_plot.h"
#include "widgets/plot/plot_table.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

struct Sink {
    const char* name;
    std::vector<float> AttentionReading::*shares;
    double AttentionReading::*even;
};
const Sink sinks[] = {
    {QT_TRANSLATE_NOOP("AttentionMap", "first token"), &AttentionReading::toFirst,
     &AttentionReading::evenFirst},
    {QT_TRANSLATE_NOOP("AttentionMap", "separators"), &AttentionReading::toSeparators,
     &AttentionReading::evenSeparators},
    {QT_TRANSLATE_NOOP("AttentionMap", "punctuation"), &AttentionReading::toPunctuation,
     &AttentionReading::evenPunctuation},
};

// Where the queries of one layer and head look, and how much of it falls on sinks, head by head.
class AttentionMap : public View {
    Q_DECLARE_TR_FUNCTIONS(AttentionMap)
public:
    explicit AttentionMap(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        entry_ = new TextEntry(tr("type a text, or leave this empty for the data's first window…"),
                               tr("Run this text and show its attention (Enter)"), true, page);
        plot_ = new HeatMapPlot(page);
        plot_->setBlocks(false);
        headsHeading_ = new Heading(page);
        heads_ = new RowList(18);
        heads_->setAccessibleName(tr("Heads by their share of attention on the sink"));
        auto* scroll = new QScrollArea(page);
        scroll->setWidget(heads_);
        scroll->setWidgetResizable(true);
        scroll->setFrameShape(QFrame::NoFrame);
        scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        scroll->setFocusPolicy(Qt::NoFocus);
        heads_->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Minimum);
        connect(heads_, &RowList::currentShown, scroll,
                [scroll](QRect area) { scroll->ensureVisible(10, area.center().y(), 0, area.height()); });
        note_ = new QLabel(page);
        note_->setWordWrap(true);
        note_->setProperty("muted", true);
        auto* side = new QVBoxLayout;
        side->setSpacing(Theme::current().spacing / 2);
        side->addWidget(headsHeading_);
        side->addWidget(scroll, 1);
        side->addWidget(note_);
        auto* row = new QHBoxLayout;
        row->addWidget(plot_, 5);
        row->addLayout(side, 2);
        auto* column = new QVBoxLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(Theme::current().spacing / 2);
        column->addWidget(entry_);
        column->addLayout(row, 1);
        setBody(page);

        picture_ = new QuietChoice({tr("token × token"), tr("layer × head")}, tr("Picture"),
                                   tr("token × token: where each token of the chosen layer and head looks.\n"
                                      "layer × head: the sink's share in every layer and head."),
                                   this);
        sink_ = new QuietChoice(
            {tr(sinks[0].name), tr(sinks[1].name), tr(sinks[2].name)}, tr("Sink"),
            tr("Share of attention = mean over queries of Σ p(key) over the sink's keys; the first query is "
               "left out.\nfirst token: [CLS] or whatever the text begins with.\nseparators: [SEP], </s> and "
               "the like.\npunctuation: . , ; : ! ? and line ends."),
            this);
        heading()->addControl(picture_);
        heading()->addControl(sink_);
        for (QComboBox* choice : {picture_, sink_})
            connect(choice, &QComboBox::currentIndexChanged, this, [this] {
                drawn_ = nullptr;
                if (hasWorkspace()) refresh(Change::everything);
            });
        connect(entry_, &TextEntry::textRun, this, &View::textTyped);
        connect(heads_, &RowList::rowChosen, this, [this](int row) { chooseHead(row - 1); });
        connect(plot_, &HeatMapPlot::cellChosen, this, [this](int a, int b, bool) { choose(a, b); });
        connect(plot_, &HeatMapPlot::currentMoved, this, &AttentionMap::choose);
        connect(plot_, &HeatMapPlot::cellHovered, this, [this](int a, int b) {
            const QString text = sentence(a, b);
            emit message(text);
            if (text.isEmpty()) return QToolTip::hideText();
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, plot_->canvas());
        });
    }

    Needs needs() const override { return Need::attention; }

    QString description() const override {
        if (isEmpty()) return emptyText();
        return QString("layer %1, %2, %3 × %4, %5 %6 of %7")
            .arg(drawn_->layer)
            .arg(head_ < 0 ? QStringLiteral("mean of heads") : QString("head %1").arg(head_))
            .arg(plot_->map().rows)
            .arg(plot_->map().columns)
            .arg(sink_->currentText(), heads_->rows()[static_cast<std::size_t>(head_ + 1)].figure)
            .arg(drawn_->heads);
    }

    ViewTable numbers() const override {
        if (isEmpty()) return {};
        ViewTable table = heatTable(plot_->map());
        if (overview()) return table;
        table.header.front() = tr("query");
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) {
            plot_->applyTheme();
            note_->setFont(Theme::current().small()); // a new style sheet resets it
            heads_->update();
            headsHeading_->update();
        }
        heading()->setText(tr("Attention"), tr("token × token of one layer and head"));
        if (!w.model) return setEmpty(tr("Open a model, then type a text to see where its attention goes."));
        if (!w.attention)
            return setEmpty(tr("Attention appears here as soon as the text has run through the model."));
        entry_->setText(w.text);
        if (w.attention != drawn_) {
            drawn_ = w.attention;
            head_ = std::min(head_, drawn_->heads - 1);
            drawHeads();
            drawMap();
        }
        const bool behind = w.site.layer >= 0 && w.site.layer != drawn_->layer;
        heading()->setText(tr("Attention"),
                           (overview()
                                ? tr("every layer and head · share on the %1").arg(sink_->currentText())
                                : tr("layer %1, %2 · rows look at columns")
                                      .arg(drawn_->layer)
                                      .arg(head_ < 0 ? tr("mean of heads") : tr("head %1").arg(head_))) +
                               tr(" · FP32 · log colour") +
                               (behind ? tr(" · reading layer %1…").arg(w.site.layer) : QString()));
        setEmpty({});
        if (overview())
            plot_->setCurrent(drawn_->layer, head_);
        else
            plot_->setCurrent(w.token < drawn_->length() ? w.token : -1, w.token < 0 ? -1 : key_);
    }

private:
    bool overview() const { return picture_->currentIndex() == 1; }
    const Sink& sink() const { return sinks[sink_->currentIndex()]; }

    void drawHeads() {
        const AttentionReading& a = *drawn_;
        const auto& shares = a.*sink().shares;
        std::vector<RowList::Row> rows;
        double sum = 0;
        for (int head = 0; head < a.heads; ++head) {
            const double share = static_cast<double>(a.share(shares, a.layer, head));
            sum += share;
            RowList::Row row;
            row.label = tr("head %1").arg(head);
            row.figure = percent(share);
            row.bar = std::clamp(share, 0.0, 1.0);
            row.tip =
                tr("Head %1 of layer %2 gives %3 of its attention to the %4; looking at all alike would "
                   "give %5.")
                    .arg(head)
                    .arg(a.layer)
                    .arg(percent(share, 1), sink_->currentText(), percent(a.*sink().even, 1));
            rows.push_back(std::move(row));
        }
        RowList::Row mean;
        mean.label = tr("mean");
        mean.bar = a.heads > 0 ? std::clamp(sum / a.heads, 0.0, 1.0) : 0;
        mean.figure = percent(mean.bar);
        mean.tip = tr("All heads of layer %1 together").arg(a.layer);
        rows.insert(rows.begin(), std::move(mean));
        heads_->setRows(std::move(rows));
        heads_->setMinimumHeight(heads_->sizeHint().height());
        heads_->setCurrent(head_ + 1);
        headsHeading_->setText(tr("On the %1").arg(sink_->currentText()), tr("layer %1").arg(a.layer));
        note_->setFont(Theme::current().small());
        note_->setText(tr("Looking at all tokens alike would give %1.").arg(percent(a.*sink().even, 1)) +
                       (a.leftOut > 0
                            ? tr(" The first %1 tokens; %2 left out.").arg(a.length()).arg(a.leftOut)
                            : QString()));
    }

    void drawMap() {
        const AttentionReading& a = *drawn_;
        HeatMap map;
        if (overview()) {
            map.rows = a.layers;
            map.columns = a.heads;
            map.values = a.*sink().shares;
            map.rowTitle = tr("layer");
            map.columnTitle = tr("head");
            plot_->setAccessibleName(tr("Share of attention on the sink, layer by head"));
        } else {
            const int n = a.length();
            map.rows = map.columns = n;
            map.values.assign(static_cast<std::size_t>(n) * static_cast<std::size_t>(n), 0);
            for (int query = 0; query < n; ++query)
                for (int key = 0; key < n; ++key) {
                    float& out = map.values[static_cast<std::size_t>(query) * static_cast<std::size_t>(n) +
                                            static_cast<std::size_t>(key)];
                    if (a.causal && key > query)
                        out = std::nanf("");
                    else if (head_ >= 0)
                        out = a.weight(head_, query, key);
                    else
                        for (int head = 0; head < a.heads; ++head)
                            out += a.weight(head, query, key) / static_cast<float>(a.heads);
                }
            for (const std::string& token : a.tokens)
                map.rowLabels.append(tokenText(token));
            map.columnLabels = map.rowLabels;
            plot_->setAccessibleName(tr("Attention, query token by key token"));
        }
        map.valueTitle = overview() ? tr("share of attention, log") : tr("attention, log");
        plot_->setMap(std::move(map));
    }

    void chooseHead(int head) {
        head_ = head;
        drawn_ = nullptr;
        refresh(Change::selection);
    }

    void choose(int row, int column) {
        if (!drawn_ || row < 0 || column < 0) return;
        emit message(sentence(row, column));
        if (overview()) {
            head_ = column;
            const Place place =
                isPerLayer(workspace().site.place) ? workspace().site.place : Place::attn_input;
            drawn_ = nullptr;
            refresh(Change::selection);
            emit siteSelected({row, place});
            return;
        }
        key_ = column;
        emit tokenSelected(row);
    }

    QString sentence(int row, int column) const {
        if (!drawn_ || row < 0 || column < 0) return {};
        const AttentionReading& a = *drawn_;
        if (overview())
            return row < a.layers && column < a.heads
                       ? tr("layer %1, head %2: %3 on the %4")
                             .arg(row)
                             .arg(column)
                             .arg(percent(static_cast<double>(a.share(a.*sink().shares, row, column)), 1),
                                  sink_->currentText())
                       : QString();
        if (row >= a.length() || column >= a.length()) return {};
        const auto word = [&](int token) { return tokenText(a.tokens[static_cast<std::size_t>(token)]); };
        if (a.causal && column > row)
            return tr("“%1” (%2) cannot look ahead at “%3” (%4)")
                .arg(word(row))
                .arg(row)
                .arg(word(column))
                .arg(column);
        return tr("“%1” (%2) looks at “%3” (%4): %5")
            .arg(word(row))
            .arg(row)
            .arg(word(column))
            .arg(column)
            .arg(percent(static_cast<double>(plot_->map().at(row, column)), 2));
    }

    TextEntry* entry_ = nullptr;
    HeatMapPlot* plot_ = nullptr;
    Heading* headsHeading_ = nullptr;
    RowList* heads_ = nullptr;
    QLabel* note_ = nullptr;
    QComboBox* picture_ = nullptr;
    QComboBox* sink_ = nullptr;
    std::shared_ptr<const AttentionReading> drawn_;
    int head_ = -1, key_ = 0; // head −1: the mean of all
};

struct AttentionMapFactory : ViewFactory {
    const char* id() const override { return "attention-map"; }
    QString title() const override { return View::tr("Attention"); }
    QString summary() const override {
        return View::tr("Where one layer and head looks, and how much of it falls on sinks.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 3; }
    View* make(QWidget* parent) const override { return new AttentionMap(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::AttentionMapFactory> registration;
