// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/compared_bars.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/text_entry.h"
#include "widgets/parts/token_strip.h"
#include "widgets/plot/curve_plot.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSplitter>
#include <QToolTip>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

constexpr double mostDb = 60; // drawn; beyond it nobody sees a difference
constexpr double jumpDb = 6;  // as errorJump takes it

// Whether the error jumps at that layer, or just falls there more than elsewhere.
bool falls(const std::vector<float>& sqnrDb, int layer) {
    if (layer < 0) return false;
    const auto at = static_cast<std::size_t>(layer);
    return layer == 0 ? static_cast<double>(sqnrDb[0]) < 10
                      : static_cast<double>(sqnrDb[at - 1] - sqnrDb[at]) >= jumpDb;
}

// One text under FP32 and the active recipe: which tokens suffer, what each side would say there, and behind
// which layer the error arises.
class TextView : public View {
    Q_DECLARE_TR_FUNCTIONS(TextView)
public:
    explicit TextView(QWidget* parent) : View(parent) {
        auto* page = new QWidget(this);
        entry_ =
            new TextEntry(tr("type a text, or leave this empty for the data's first window…"),
                          tr("Run this text under FP32 and under the active recipe (Enter)"), true, page);
        state_ = new QLabel(page);
        state_->setWordWrap(true);
        state_->setProperty("muted", true);
        worst_ = new QPushButton(tr("Next worst token"), page);
        worst_->setObjectName("worst");
        worst_->setToolTip(tr("Selects the token with the largest divergence, then the next, and so on (N)"));
        worst_->setShortcut(QKeySequence(Qt::Key_N));
        strip_ = new TokenStrip;
        strip_->setUnderlined(true);
        strip_->setAccessibleName(tr("Tokens, underlined by their divergence"));
        strip_->setContentsMargins(0, 0, 6, 0);
        scroll_ = new QScrollArea(page);
        scroll_->setWidget(strip_);
        scroll_->setWidgetResizable(true);
        scroll_->setFrameShape(QFrame::NoFrame);
        scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
        strip_->setBackgroundRole(QPalette::Base);

        auto* left = new QWidget(page);
        auto* words = new QVBoxLayout(left);
        words->setContentsMargins(0, 0, 8, 0);
        auto* line = new QHBoxLayout;
        line->addWidget(state_, 1);
        line->addWidget(worst_);
        words->addLayout(line);
        words->addWidget(scroll_, 1);

        auto* right = new QWidget(page);
        chosen_ = new Heading(right);
        bars_ = new ComparedBars(right);
        bars_->setAccessibleName(tr("What FP32 and the recipe would say"));
        depth_ = new Heading(right);
        curve_ = new CurvePlot(right);
        curve_->setAccessibleName(tr("Signal to noise behind each layer"));
        jump_ = new QPushButton(right);
        jump_->setObjectName("jump");
        jump_->setAccessibleName(tr("Go to the layer where the token's error jumps"));
        jump_->setToolTip(
            tr("Selects the layer behind which this token's error jumps: where its SQNR falls by "
               "6 dB or more, else where it falls most"));
        auto* side = new QVBoxLayout(right);
        side->setContentsMargins(8, 0, 0, 0);
        side->setSpacing(Theme::current().spacing / 2);
        for (QWidget* part : std::initializer_list<QWidget*>{chosen_, bars_, depth_})
            side->addWidget(part);
        side->addWidget(curve_, 1);
        side->addWidget(jump_, 0, Qt::AlignLeft);

        auto* split = new QSplitter(page);
        split->setChildrenCollapsible(false);
        split->addWidget(left);
        split->addWidget(right);
        split->setStretchFactor(0, 3);
        split->setStretchFactor(1, 2);
        auto* column = new QVBoxLayout(page);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(Theme::current().spacing / 2);
        column->addWidget(entry_);
        column->addWidget(split, 1);
        setBody(page);

        connect(entry_, &TextEntry::textRun, this, &View::textTyped);
        connect(strip_, &TokenStrip::tokenChosen, this, &TextView::choose);
        connect(strip_, &TokenStrip::currentShown, this, [this](QRect area) {
            scroll_->ensureVisible(area.center().x(), area.center().y(), 20, area.height() + 8);
        });
        connect(worst_, &QPushButton::clicked, this, &TextView::chooseNextWorst);
        connect(jump_, &QPushButton::clicked, this, [this] {
            if (jumpLayer_ >= 0) selectLayer(jumpLayer_);
        });
        connect(curve_, &CurvePlot::pointClicked, this, [this](int, int layer) { selectLayer(layer); });
        connect(curve_, &CurvePlot::pointHovered, this, [this](int curve, int layer) {
            if (curve < 0) return QToolTip::hideText();
            const double sqnr = curve_->curves()[0].y[static_cast<std::size_t>(layer)];
            const QString text = tr("behind layer %1: %2 dB").arg(layer).arg(fixed(sqnr, 1));
            emit message(text);
            QToolTip::showText(QCursor::pos() + QPoint(12, 10), text, curve_->canvas());
        });
    }

    Needs needs() const override { return Need::reading; }

    QString description() const override {
        if (isEmpty()) return emptyText();
        if (!shown_) return state_->text();
        return QString("%1 tokens, %2 %3, worst %4 at %5, token %6, %7, jump at layer %8%9")
            .arg(shown_->tokens.size())
            .arg(QString::fromStdString(shown_->measure), figure(shown_->divergence))
            .arg(figure(order_.empty() ? 0 : divergence(order_.front())))
            .arg(order_.empty() ? -1 : order_.front())
            .arg(token_)
            .arg(bars_->entries().empty() ? QStringLiteral("no bars")
                                          : QString("%1 bars").arg(bars_->entries().size()))
            .arg(jumpLayer_)
            .arg(stale_ ? ", of an earlier choice" : "");
    }

    ViewTable numbers() const override {
        ViewTable table{{"token", "text", "divergence", "likeliest_fp32", "p_fp32", "likeliest_recipe",
                         "p_recipe", "jump_layer"},
                        {}};
        if (!shown_) return table;
        for (int layer = 0; layer < shown_->layers(); ++layer)
            table.header.append(QString("sqnr_db_layer_%1").arg(layer));
        for (std::size_t i = 0; i < shown_->tokens.size(); ++i) {
            const TextToken& token = shown_->tokens[i];
            QStringList row{QString::number(i), QString::fromStdString(token.text),
                            ViewTable::number(token.divergence)};
            const auto best = [&](double Compared::*side) {
                const auto found = std::ranges::max_element(token.top, {}, side);
                row << (found == token.top.end() ? QString() : QString::fromStdString(found->name))
                    << (found == token.top.end() ? QString() : ViewTable::number(*found.*side));
            };
            best(&Compared::before);
            best(&Compared::after);
            row << QString::number(errorJump(token.sqnrDb));
            for (const float sqnr : token.sqnrDb)
                row << ViewTable::number(static_cast<double>(sqnr));
            table.rows.append(row);
        }
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        if (what & Change::theme) {
            curve_->applyTheme();
            for (QWidget* part : std::initializer_list<QWidget*>{strip_, bars_, chosen_, depth_})
                part->update();
        }
        // What it does not show comes in all the time while the engine works.
        if (shown_ && shown_ == w.reading && !isEmpty() &&
            !(what & ~Changes(Change::observation | Change::reading | Change::sample | Change::marked |
                              Change::errors | Change::sensitivity | Change::history)))
            return;
        heading()->setText(tr("Text"), tr("what the recipe does to each token"));
        if (!w.model)
            return setEmpty(tr("Open a model, then type a text to see which of its tokens a recipe spoils."));
        setEmpty({});
        entry_->setText(w.text);
        const Column* active = w.activeColumn();
        const bool changed = w.reading != shown_;
        shown_ = w.reading;
        stale_ = shown_ && active &&
                 (shown_->recipe != active->recipe || QString::fromStdString(shown_->source) != w.text);
        if (changed || what & (Change::theme | Change::columns)) drawTokens();
        writeState(active);
        drawToken();
    }

private:
    double divergence(int token) const { return shown_->tokens[static_cast<std::size_t>(token)].divergence; }

    QColor colour() const {
        const Workspace& w = workspace();
        return Theme::current().line(std::max(1, w.active));
    }

    void drawTokens() {
        order_.clear();
        std::vector<TokenStrip::Entry> entries;
        if (shown_) {
            double most = 0;
            for (const TextToken& token : shown_->tokens)
                most = std::max(most, token.divergence);
            for (std::size_t i = 0; i < shown_->tokens.size(); ++i) {
                const TextToken& token = shown_->tokens[i];
                // The root keeps tokens of a tenth of the worst one's divergence in sight.
                const double share = most > 1e-12 ? std::sqrt(std::max(0.0, token.divergence) / most) : 0;
                entries.push_back({tokenText(token.text),
                                   tr("token %1 “%2”: %3 %4\n%5")
                                       .arg(i)
                                       .arg(tokenText(token.text), figure(token.divergence),
                                            QString::fromStdString(shown_->measure), divergenceHelp()),
                                   share, static_cast<int>(i)});
                order_.push_back(static_cast<int>(i));
            }
            std::ranges::stable_sort(order_, [&](int a, int b) { return divergence(a) > divergence(b); });
        }
        strip_->setEntries(std::move(entries), Theme::current().severity.back());
    }

    QString divergenceHelp() const {
        if (shown_->measure != "KL (nats)")
            return tr("1 − cosine of the token's final hidden state, FP32 against the recipe.");
        return shown_->answers == TextReading::Answers::masked_token
                   ? tr("KL = Σ p ln(p / q) of what FP32 (p) and the recipe (q) put in this token's place.")
                   : tr("KL = Σ p ln(p / q) of what FP32 (p) and the recipe (q) say comes after this token.");
    }

    void writeState(const Column* active) {
        worst_->setVisible(shown_ && !order_.empty());
        if (!shown_) {
            state_->setText(
                workspace().baseline()
                    ? tr("Reading the text under FP32 and %1…").arg(active ? active->name : QString())
                    : tr("The text is read as soon as the model has run."));
            return;
        }
        const QString whole = QString::fromStdString(shown_->measure);
        QStringList words;
        switch (shown_->answers) {
        case TextReading::Answers::next_token:
        case TextReading::Answers::masked_token:
            words << tr("mean %1 %2").arg(whole, figure(shown_->divergence));
            break;
        case TextReading::Answers::classes:
            words << tr("KL of the classes %1 nats").arg(figure(shown_->divergence));
            break;
        case TextReading::Answers::embedding:
            words << tr("cosine of the embeddings %1").arg(fixed(shown_->cosine.value_or(1), 5));
        }
        if (shown_->recipe.isFp32())
            words << tr("FP32 differs from itself nowhere: make another column the active one");
        else if (stale_)
            words << tr("of an earlier choice; reading again…");
        if (shown_->leftOut > 0) words << tr("%1 more tokens left out").arg(grouped(shown_->leftOut));
        state_->setText(words.join(QStringLiteral(" · ")));
        heading()->setText(tr("Text"),
                           tr("%1 against FP32 · underlined by %2, the worst %3 · arrows and click choose")
                               .arg(active ? active->name : QString(), whole,
                                    order_.empty() ? QString() : figure(divergence(order_.front()))));
    }

    void drawToken() {
        const int count = shown_ ? static_cast<int>(shown_->tokens.size()) : 0;
        const int wanted = workspace().token;
        token_ = count == 0 ? -1 : wanted >= 0 && wanted < count ? wanted : order_.front();
        strip_->setCurrent(token_);
        const bool known = token_ >= 0;
        for (QWidget* part : std::initializer_list<QWidget*>{chosen_, bars_, depth_, curve_, jump_})
            part->setVisible(known);
        if (!known) return;
        const TextToken& token = shown_->tokens[static_cast<std::size_t>(token_)];
        const QString word = tokenText(token.text), value = figure(token.divergence);
        const QString measure = QString::fromStdString(shown_->measure);
        switch (shown_->answers) {
        case TextReading::Answers::next_token:
            chosen_->setText(tr("After “%1”").arg(word),
                             tr("the likeliest next tokens · %1 %2").arg(measure, value));
            break;
        case TextReading::Answers::masked_token:
            chosen_->setText(tr("In place of “%1”").arg(word),
                             tr("the likeliest tokens · %1 %2").arg(measure, value));
            break;
        case TextReading::Answers::classes:
            chosen_->setText(tr("Classes"), tr("of the whole text"));
            break;
        case TextReading::Answers::embedding:
            chosen_->setText(tr("“%1”").arg(word), tr("%1 %2").arg(measure, value));
        }
        const Column* active = workspace().activeColumn();
        bars_->setEntries(shown_->answers == TextReading::Answers::classes ? shown_->classes : token.top,
                          active ? active->name : tr("recipe"), Theme::current().line(0), colour());
        bars_->setVisible(!bars_->entries().empty());
        jumpLayer_ = errorJump(token.sqnrDb);
        depth_->setText(tr("Where it goes wrong"), tr("SQNR of “%1” behind each layer, dB").arg(word));
        depth_->setToolTip(
            tr("SQNR = 10 log₁₀(Σ x² / Σ (x − x')²) of what leaves each layer at this token: x "
               "under FP32, x' under the recipe. 10 dB less is ten times the error energy."));
        Curve line;
        line.name = tr("SQNR");
        line.colour = colour();
        line.strong = true;
        for (std::size_t layer = 0; layer < token.sqnrDb.size(); ++layer) {
            line.x.push_back(static_cast<double>(layer));
            line.y.push_back(std::min<double>(static_cast<double>(token.sqnrDb[layer]), mostDb));
        }
        curve_->setCurves({line}, tr("layer"), false);
        curve_->setCurrent(jumpLayer_ >= 0 ? jumpLayer_ : std::nan(""));
        jump_->setVisible(jumpLayer_ >= 0);
        jump_->setText(falls(token.sqnrDb, jumpLayer_)
                           ? tr("Go to layer %1, where the error jumps").arg(jumpLayer_)
                           : tr("Go to layer %1, where it falls most").arg(jumpLayer_));
    }

    void choose(int token) {
        emit tokenSelected(token);
        if (!shown_ || token < 0 || token >= static_cast<int>(shown_->tokens.size())) return;
        emit message(tr("token %1 “%2”: %3 %4")
                         .arg(token)
                         .arg(tokenText(shown_->tokens[static_cast<std::size_t>(token)].text),
                              QString::fromStdString(shown_->measure), figure(divergence(token))));
    }

    void chooseNextWorst() {
        if (order_.empty()) return;
        const auto at = std::ranges::find(order_, workspace().token);
        const bool end = at == order_.end() || at + 1 == order_.end();
        choose(end ? order_.front() : *(at + 1));
    }

    void selectLayer(int layer) {
        const Place place = isPerLayer(workspace().site.place) ? workspace().site.place : Place::attn_input;
        emit siteSelected({layer, place});
    }

    TextEntry* entry_ = nullptr;
    QLabel* state_ = nullptr;
    QPushButton* worst_ = nullptr;
    TokenStrip* strip_ = nullptr;
    QScrollArea* scroll_ = nullptr;
    Heading* chosen_ = nullptr;
    ComparedBars* bars_ = nullptr;
    Heading* depth_ = nullptr;
    CurvePlot* curve_ = nullptr;
    QPushButton* jump_ = nullptr;
    std::shared_ptr<const TextReading> shown_;
    std::vector<int> order_; // tokens, the worst first
    int token_ = -1, jumpLayer_ = -1;
    bool stale_ = false;
};

struct TextViewFactory : ViewFactory {
    const char* id() const override { return "text"; }
    QString title() const override { return View::tr("Text"); }
    QString summary() const override {
        return View::tr(
            "A text under FP32 and the active recipe: which tokens suffer, and behind which layer.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 2; }
    View* make(QWidget* parent) const override { return new TextView(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::TextViewFactory> registration;
