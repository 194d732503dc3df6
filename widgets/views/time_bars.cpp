// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"
#include "widgets/parts/heading.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollArea>
#include <QToolTip>

#include <algorithm>
#include <functional>

namespace kurtoscope {
namespace {

struct TimeRow {
    int column = 0; // in the workspace
    QString name, arithmetic;
    double ms = 0;
    std::map<std::string, double> phases;
    bool active = false;
};

struct PhaseName {
    const char *id, *name, *help;
};
constexpr PhaseName phaseNamesShown[] = {
    {"quantize", "quantize", "values put on their grid"},
    {"gemm", "products", "linear layers"},
    {"epilogue", "epilogue", "activation functions and what is fused behind a product"},
    {"attention", "attention", "scores, softmax and context"},
    {"rest", "rest", "norms, sums, embedding and whatever else"},
};

QColor colourOf(std::size_t phase) {
    const Theme& theme = Theme::current();
    constexpr int line[] = {3, 1, 2, 4};
    return phase < std::size(line) ? theme.line(line[phase]) : theme.rest;
}

QString msText(double ms) {
    return fixed(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0) + QStringLiteral(" ms");
}

// A bar for each recipe, as long as its pass takes, in the colours of what takes it.
class TimeBars : public QWidget {
public:
    explicit TimeBars(QWidget* parent) : QWidget(parent) {}

    std::function<void(int column)> clicked;

    void setRows(std::vector<TimeRow> rows) {
        rows_ = std::move(rows);
        QStringList lines;
        for (const TimeRow& row : rows_)
            lines.append(lineOf(row));
        setAccessibleDescription(lines.join(QStringLiteral("; ")));
        updateGeometry();
        update();
    }
    const std::vector<TimeRow>& rows() const { return rows_; }
    QSize sizeHint() const override { return {420, legendHeight() + rowHeight() * int(rows_.size()) + 8}; }
    QSize minimumSizeHint() const override { return {200, sizeHint().height()}; }

    static QString lineOf(const TimeRow& row) {
        QStringList shares;
        for (const PhaseName& phase : phaseNamesShown)
            if (const auto share = row.phases.find(phase.id); share != row.phases.end())
                shares.append(QString::fromLatin1(phase.name) + QChar(' ') + percent(share->second, 1));
        return QString("%1 %2, %3: %4").arg(row.name, msText(row.ms), row.arithmetic, shares.join(", "));
    }

protected:
    void paintEvent(QPaintEvent*) override {
        const Theme& theme = Theme::current();
        QPainter painter(this);
        painter.fillRect(rect(), theme.surface);
        if (rows_.empty()) return;
        const QFontMetrics small(theme.small());
        painter.setFont(theme.small());
        int x = 0;
        for (std::size_t phase = 0; phase < std::size(phaseNamesShown); ++phase) {
            const QString name = phaseNamesShown[phase].name;
            painter.fillRect(QRect(x, legendHeight() / 2 - 8, 9, 9), colourOf(phase));
            painter.setPen(theme.muted);
            painter.drawText(QRect(x + 13, 0, width() - x - 13, legendHeight() - 8),
                             Qt::AlignVCenter | Qt::AlignLeft, name);
            x += 13 + small.horizontalAdvance(name) + 16;
        }
        const double longest =
            std::ranges::max_element(rows_, {}, [](const TimeRow& row) { return row.ms; })->ms;
        const auto [names, room] = columns();
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const TimeRow& row = rows_[i];
            const int top = legendHeight() + int(i) * rowHeight();
            painter.setFont(row.active ? theme.strong() : theme.body());
            painter.setPen(theme.text);
            painter.drawText(QRect(0, top, names - 10, rowHeight()), Qt::AlignVCenter | Qt::AlignRight,
                             painter.fontMetrics().elidedText(row.name, Qt::ElideRight, names - 10));
            double left = names;
            for (std::size_t phase = 0; phase < std::size(phaseNamesShown); ++phase) {
                const auto share = row.phases.find(phaseNamesShown[phase].id);
                const double wide = share == row.phases.end() ? 0 : room * row.ms / longest * share->second;
                painter.fillRect(QRectF(left, top + 5, wide, rowHeight() - 10), colourOf(phase));
                left += wide;
            }
            painter.setFont(theme.body());
            painter.setPen(theme.text);
            painter.drawText(QRectF(left + 8, top, figureWidth, rowHeight()),
                             Qt::AlignVCenter | Qt::AlignLeft, msText(row.ms));
            painter.setFont(theme.small());
            painter.setPen(theme.muted);
            painter.drawText(QRectF(left + 8 + figureWidth, top, tagWidth, rowHeight()),
                             Qt::AlignVCenter | Qt::AlignLeft, row.arithmetic);
        }
    }
    bool event(QEvent* event) override {
        if (event->type() != QEvent::ToolTip) return QWidget::event(event);
        const auto* help = static_cast<QHelpEvent*>(event);
        const int row = rowAt(help->pos());
        if (row < 0) return QToolTip::hideText(), true;
        QStringList lines{rows_[std::size_t(row)].name + QStringLiteral(", ") +
                          msText(rows_[std::size_t(row)].ms)};
        for (const PhaseName& phase : phaseNamesShown)
            if (const auto share = rows_[std::size_t(row)].phases.find(phase.id);
                share != rows_[std::size_t(row)].phases.end())
                lines.append(QString("%1 %2 (%3) – %4")
                                 .arg(QString::fromLatin1(phase.name), percent(share->second, 1),
                                      msText(share->second * rows_[std::size_t(row)].ms),
                                      QString::fromLatin1(phase.help)));
        QToolTip::showText(help->globalPos(), lines.join('\n'), this);
        return true;
    }
    void mouseReleaseEvent(QMouseEvent* event) override {
        if (const int row = rowAt(event->position().toPoint()); row >= 0 && clicked)
            clicked(rows_[std::size_t(row)].column);
    }

private:
    static constexpr int figureWidth = 64, tagWidth = 64;
    static int rowHeight() { return QFontMetrics(Theme::current().body()).height() + 14; }
    static int legendHeight() { return QFontMetrics(Theme::current().small()).height() + 14; }
    int rowAt(QPoint at) const {
        const int row = at.y() < legendHeight() ? -1 : (at.y() - legendHeight()) / rowHeight();
        return row < int(rows_.size()) ? row : -1;
    }
    std::pair<int, double> columns() const { // width of the names, and of the longest bar
        const QFontMetrics metrics(Theme::current().strong());
        int names = 40;
        for (const TimeRow& row : rows_)
            names = std::max(names, metrics.horizontalAdvance(row.name) + 14);
        names = std::min(names, width() / 3);
        return {names, std::max(20.0, double(width() - names - figureWidth - tagWidth - 12))};
    }

    std::vector<TimeRow> rows_;
};

// What each measured recipe's latency is made of: the same passes as the comparison's latency.
class WhereTheTimeGoes : public View {
    Q_DECLARE_TR_FUNCTIONS(WhereTheTimeGoes)
public:
    explicit WhereTheTimeGoes(QWidget* parent) : View(parent) {
        bars_ = new TimeBars(this);
        bars_->setAccessibleName(tr("Latency by phase"));
        bars_->clicked = [this](int column) { emit columnActivated(column); };
        auto* scroll = new QScrollArea(this);
        scroll->setWidget(bars_);
        scroll->setWidgetResizable(true);
        scroll->setFrameShape(QFrame::NoFrame);
        setBody(scroll);
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        QStringList lines;
        for (const TimeRow& row : bars_->rows())
            lines.append(TimeBars::lineOf(row));
        return lines.join(QStringLiteral("; "));
    }

    ViewTable numbers() const override {
        ViewTable table{{"recipe", "latency_p50_ms"}, {}};
        for (const PhaseName& phase : phaseNamesShown)
            table.header.append(phase.id);
        table.header.append("arithmetic");
        for (const TimeRow& row : bars_->rows()) {
            QStringList fields{row.name, ViewTable::number(row.ms)};
            for (const PhaseName& phase : phaseNamesShown) {
                const auto share = row.phases.find(phase.id);
                fields.append(share == row.phases.end() ? QString() : ViewTable::number(share->second));
            }
            table.rows.append(fields << row.arithmetic);
        }
        return table;
    }

protected:
    void refresh(Changes) override {
        const Workspace& w = workspace();
        heading()->setText(
            tr("Where the time goes"),
            tr("one window's pass, by what it is spent on · simulated integers run in float32"));
        std::vector<TimeRow> rows;
        for (std::size_t i = 0; i < w.columns.size(); ++i) {
            const Column& column = w.columns[i];
            if (!column.reading || column.stale || !column.reading->latencyP50Ms ||
                column.reading->phases.empty())
                continue;
            const auto tag = kernelTagName(column.reading->kernels);
            rows.push_back({int(i), column.name, QString::fromUtf8(tag.data(), qsizetype(tag.size())),
                            *column.reading->latencyP50Ms, column.reading->phases, int(i) == w.active});
        }
        const bool none = rows.empty();
        bars_->setRows(std::move(rows));
        setEmpty(!w.model ? tr("Open a model to see where its time goes.")
                 : none   ? tr("Bars appear when a recipe's latency has been measured.")
                          : QString());
    }

private:
    TimeBars* bars_ = nullptr;
};

struct WhereTheTimeGoesFactory : ViewFactory {
    const char* id() const override { return "time"; }
    QString title() const override { return View::tr("Time"); }
    QString summary() const override {
        return View::tr("Each recipe's latency by what it is spent on: products, quantizing, attention.");
    }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 5; }
    View* make(QWidget* parent) const override { return new WhereTheTimeGoes(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::WhereTheTimeGoesFactory>
    registration;
