// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/comparison_model.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

using Row = ComparisonModel::Row;
const QString absent = QStringLiteral("–"), awaited = QStringLiteral("·");

struct RowText {
    QString label, help;
};

RowText describeRow(Row row, const QString& metric, const QString& pinned = {}) {
    switch (row) {
    case Row::score:
        return {metric.isEmpty() ? ComparisonModel::tr("score") : metric,
                ComparisonModel::tr("The task's score ± its standard error over the windows done so far.")};
    case Row::difference:
        if (!pinned.isEmpty())
            return {ComparisonModel::tr("difference to %1").arg(pinned),
                    ComparisonModel::tr(
                        "Score − the pinned column's score over the same windows ± its standard error, "
                        "paired by window.\nIn colour only beyond twice that error.")};
        return {ComparisonModel::tr("difference to FP32"),
                ComparisonModel::tr(
                    "Score − FP32's score over the same windows ± its standard error, paired by window.\n"
                    "In colour only beyond twice that error.")};
    case Row::perplexity:
        return {ComparisonModel::tr("perplexity"),
                ComparisonModel::tr("exp(mean −ln p(next token)); lower is better.")};
    case Row::pearson:
        return {ComparisonModel::tr("Pearson"),
                ComparisonModel::tr("Pearson's correlation with the labels, 1 is best.")};
    case Row::kept:
        return {ComparisonModel::tr("kept channels"),
                ComparisonModel::tr(
                    "Input channels left in high precision, of all inputs of the linear layers but the "
                    "output head.\nEach costs a column of weights, so a site counts once for every "
                    "layer that reads it:\na channel kept at attn_input counts three times (query, "
                    "key, value) and is one mark on the map.")};
    case Row::divergence:
        return {ComparisonModel::tr("KL mean / p99 (nats)"),
                ComparisonModel::tr(
                    "Σ p ln(p / q) between FP32's output distribution p and this recipe's q, per token.")};
    case Row::agreement:
        return {ComparisonModel::tr("top-1 agreement"),
                ComparisonModel::tr("Share of tokens whose likeliest output is the same as FP32's.")};
    case Row::cosine:
        return {ComparisonModel::tr("cosine"),
                ComparisonModel::tr(
                    "Mean cosine between the final hidden states, this recipe against FP32; 1 is equal.")};
    case Row::sqnr:
        return {ComparisonModel::tr("SQNR"),
                ComparisonModel::tr(
                    "10 log₁₀(Σ x² / Σ (x − x̂)²) of the final hidden state in dB; ∞ when identical.")};
    case Row::latency:
        return {ComparisonModel::tr("latency p50 / p99 (ms)"),
                ComparisonModel::tr(
                    "One window's forward pass, measured alone. Simulated arithmetic is never a speed-up.")};
    case Row::memory:
        return {ComparisonModel::tr("weight memory"),
                ComparisonModel::tr("All parameters as the recipe would store them; 1 MB = 10⁶ bytes.")};
    case Row::bits:
        return {ComparisonModel::tr("bits per weight"),
                ComparisonModel::tr(
                    "Effective bits per weight of the linear layers, scales and kept columns included.")};
    case Row::arithmetic:
        return {ComparisonModel::tr("arithmetic"),
                ComparisonModel::tr("integer: real low-precision arithmetic ran. simulated: quantize and "
                                    "dequantize in\nfloating point. float: not quantized.")};
    }
    return {};
}

QString pair(const std::optional<double>& a, const std::optional<double>& b, const auto& write) {
    if (!a && !b) return absent;
    return (a ? write(*a) : absent) + " / " + (b ? write(*b) : absent);
}

// " ± 0.21", or nothing where it is unknown or too small to be written.
QString errorText(const std::string& metric, double error) {
    const QString written = error > 0 && std::isfinite(error) ? scoreText(metric, error) : QString();
    const bool says =
        std::any_of(written.begin(), written.end(), [](QChar c) { return c >= '1' && c <= '9'; });
    return says ? QStringLiteral(" ± ") + written : QString();
}

} // namespace

QString scoreText(const std::string& metric, double score, bool signedFigure) {
    const auto write = [signedFigure](double value, int decimals) {
        return signedFigure ? signedFixed(value, decimals) : fixed(value, decimals);
    };
    if (metric == "accuracy") return write(score * 100, 1) + " %";
    if (metric == "perplexity")
        return std::abs(score) >= 1e4 ? figure(score) : write(score, std::abs(score) >= 1000 ? 0 : 2);
    return write(score, metric == "cosine" ? 4 : 3); // cosines differ late
}

void ComparisonModel::take(const Workspace& workspace) {
    QString metric;
    bool perplexity = false, pearson = false;
    for (const Column& column : workspace.columns) {
        if (!column.reading) continue;
        metric = QString::fromStdString(column.reading->metric);
        perplexity = perplexity || (column.reading->perplexity && column.reading->metric != "perplexity");
        pearson = pearson || (column.reading->pearson && column.reading->metric != "pearson");
    }
    std::vector<Row> rows{Row::score, Row::difference};
    if (perplexity) rows.push_back(Row::perplexity);
    if (pearson) rows.push_back(Row::pearson);
    for (const Row row : {Row::kept, Row::divergence, Row::agreement, Row::cosine, Row::sqnr, Row::latency,
                          Row::memory, Row::bits, Row::arithmetic})
        if (row != Row::cosine || metric != QLatin1String("cosine"))
            rows.push_back(row); // else the first row says it
    const bool reshaped = rows != rows_ || workspace.columns.size() != columns_.size();
    if (reshaped) beginResetModel();
    rows_ = std::move(rows);
    columns_ = workspace.columns;
    metric_ = metric;
    active_ = workspace.active;
    reference_ = std::clamp(workspace.reference, 0, std::max(0, static_cast<int>(columns_.size()) - 1));
    if (reshaped) return endResetModel();
    if (columns_.empty()) return;
    emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    emit headerDataChanged(Qt::Horizontal, 0, columnCount() - 1);
    emit headerDataChanged(Qt::Vertical, 0, rowCount() - 1);
}

int ComparisonModel::rowOf(Row row) const {
    const auto found = std::find(rows_.begin(), rows_.end(), row);
    return found == rows_.end() ? -1 : static_cast<int>(found - rows_.begin());
}

int ComparisonModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}
int ComparisonModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(columns_.size());
}

std::optional<ScoreDifference> ComparisonModel::difference(int column) const {
    const auto& own = columns_[static_cast<std::size_t>(column)].reading;
    const auto& other = columns_[static_cast<std::size_t>(reference_)].reading;
    if (own && reference_ == 0) return ScoreDifference{own->difference, own->differenceError, true};
    if (!own || !other) return std::nullopt;
    return differenceBetween(*own, *other);
}

QString ComparisonModel::text(Row row, const Column& column, bool baseline) const {
    if (!column.reading)
        return row == Row::kept && !baseline ? grouped(static_cast<std::int64_t>(column.recipe.keptCount()))
                                             : awaited;
    const Reading& r = *column.reading;
    const auto or_absent = [](const std::optional<double>& value, const auto& write) {
        return value ? write(*value) : absent;
    };
    switch (row) {
    case Row::score:
        return scoreText(r.metric, r.score) + errorText(r.metric, r.standardError);
    case Row::difference: {
        if (&column == &columns_[static_cast<std::size_t>(reference_)]) return absent;
        const auto found = difference(static_cast<int>(&column - columns_.data()));
        return found ? scoreText(r.metric, found->value, true) + errorText(r.metric, found->error) : awaited;
    }
    case Row::perplexity:
        return or_absent(r.perplexity, [](double v) { return scoreText("perplexity", v); });
    case Row::pearson:
        return or_absent(r.pearson, [](double v) { return fixed(v, 3); });
    case Row::kept:
        if (baseline || r.keptOf == 0) return absent;
        return grouped(static_cast<std::int64_t>(r.keptChannels)) + " of " +
               grouped(static_cast<std::int64_t>(r.keptOf));
    case Row::divergence:
        return baseline ? absent : pair(r.klMean, r.klP99, [](double v) { return figure(v); });
    case Row::agreement:
        return baseline ? absent : or_absent(r.top1Agreement, [](double v) { return percent(v, 1); });
    case Row::cosine:
        return baseline ? absent : or_absent(r.cosine, [](double v) { return fixed(v, 4); });
    case Row::sqnr:
        return baseline ? absent : or_absent(r.sqnrDb, [](double v) {
            return std::isinf(v) ? figure(v) + " dB" : fixed(v, 1) + " dB";
        });
    case Row::latency:
        return pair(r.latencyP50Ms, r.latencyP99Ms, [](double v) {
            return fixed(v, v < 10 ? 2 : v < 100 ? 1 : 0);
        });
    case Row::memory:
        return r.weightBytes > 0 ? bytes(r.weightBytes) : absent;
    case Row::bits:
        return fixed(r.effectiveBits, 2);
    case Row::arithmetic: {
        const auto name = kernelTagName(r.kernels);
        return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
    }
    }
    return {};
}

QString ComparisonModel::state(const Column& column) const {
    if (!column.reading) return tr("not measured yet");
    if (column.stale) return column.fromFile ? tr("from the file, outdated") : tr("of an earlier choice");
    if (column.fromFile) return tr("from the file");
    const Reading& r = *column.reading;
    if (!r.complete()) return tr("window %1 of %2").arg(r.windowsDone).arg(r.windowsTotal);
    return r.windowsTotal == 1 ? tr("1 window") : tr("%1 windows").arg(r.windowsTotal);
}

QVariant ComparisonModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) return {};
    const Column& column = columns_[static_cast<std::size_t>(index.column())];
    const Row row = rowAt(index.row());
    const bool baseline = index.column() == 0;
    switch (role) {
    case Qt::DisplayRole:
        return text(row, column, baseline);
    case Qt::TextAlignmentRole:
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    case Qt::ToolTipRole:
        return describeRow(row, metric_, pinnedName()).help;
    case Qt::ForegroundRole: {
        const Theme& theme = Theme::current();
        if (column.stale || !column.reading) return theme.faint;
        if (row != Row::difference || index.column() == reference_) return {};
        const auto found = difference(index.column());
        if (!found || !found->exceedsError()) return {};
        return (found->value < 0) == column.reading->lowerIsBetter ? theme.better : theme.worse;
    }
    case kernelRole:
        return row == Row::arithmetic && column.reading ? static_cast<int>(column.reading->kernels) : -1;
    case staleRole:
        return column.stale;
    case activeRole:
        return index.column() == active_;
    default:
        return {};
    }
}

QVariant ComparisonModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation == Qt::Vertical) {
        if (section >= rowCount()) return {};
        const RowText text = describeRow(rowAt(section), metric_, pinnedName());
        return role == Qt::DisplayRole   ? QVariant(text.label)
               : role == Qt::ToolTipRole ? QVariant(text.help)
                                         : QVariant();
    }
    if (section >= columnCount()) return {};
    const Column& column = columns_[static_cast<std::size_t>(section)];
    switch (role) {
    case Qt::DisplayRole:
        return column.name;
    case stateRole:
        return state(column);
    case staleRole:
        return column.stale;
    case activeRole:
        return section == active_;
    case referenceRole:
        return reference_ > 0 && section == reference_;
    case trailRole:
        return QVariant::fromValue(QList<float>(column.trail.begin(), column.trail.end()));
    case Qt::ToolTipRole:
        return column.name + "\n" + state(column) +
               (column.trail.size() > 1
                    ? tr("\nline: the score as windows came in, from %1 to %2")
                          .arg(figure(static_cast<double>(std::ranges::min(column.trail))),
                               figure(static_cast<double>(std::ranges::max(column.trail))))
                    : QString()) +
               (section == active_ ? tr("\nactive: a click on the map changes its kept channels")
                                   : tr("\nclick: make it active")) +
               (reference_ > 0 && section == reference_ ? tr("\npinned: differences are against it")
                                                        : QString());
    default:
        return {};
    }
}

QString ComparisonModel::pinnedName() const {
    return reference_ > 0 ? columns_[static_cast<std::size_t>(reference_)].name : QString();
}

QString ComparisonModel::asText() const {
    QString out;
    for (const Column& column : columns_)
        out += "\t" + column.name;
    out += "\n";
    for (int row = 0; row < rowCount(); ++row) {
        out += headerData(row, Qt::Vertical, Qt::DisplayRole).toString();
        for (int column = 0; column < columnCount(); ++column)
            out += "\t" + index(row, column).data(Qt::DisplayRole).toString();
        out += "\n";
    }
    return out;
}

} // namespace kurtoscope
