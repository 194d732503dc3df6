// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"
#include "widgets/workspace.h"

#include <QAbstractTableModel>

#include <cmath>
#include <optional>

namespace kurtoscope {

// The recipes side by side: one row per figure, one column per recipe. Text in DisplayRole; colour in
// ForegroundRole only for a difference beyond its error and for stale figures.
class KURTOSCOPE_WIDGETS_API ComparisonModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum class Row {
        score,
        difference,
        perplexity,
        pearson,
        kept,
        divergence,
        agreement,
        cosine,
        sqnr,
        latency,
        memory,
        bits,
        arithmetic
    };
    enum Role {
        kernelRole = Qt::UserRole,
        staleRole,
        stateRole,
        activeRole,
        referenceRole,
        trailRole
    }; // kernelRole: −1 none, else KernelTag; trailRole: the score window by window, QList<float>
    using QAbstractTableModel::QAbstractTableModel;

    void take(const Workspace& workspace);
    Row rowAt(int row) const { return rows_[static_cast<std::size_t>(row)]; }
    int rowOf(Row row) const; // −1: not shown
    int active() const { return active_; }
    QString asText() const; // tab-separated, with the header, for the clipboard
    QString metric() const { return metric_; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString text(Row row, const Column& column, bool baseline) const;
    QString state(const Column& column) const;
    QString pinnedName() const;                                  // "" for FP32
    std::optional<ScoreDifference> difference(int column) const; // against the pinned column

    std::vector<Row> rows_;
    std::vector<Column> columns_;
    QString metric_;
    int active_ = 0, reference_ = 0;
};

// A metric as a person reads it: "accuracy" 0.912 → "91.2 %"; decimals that fit its size.
KURTOSCOPE_WIDGETS_API QString scoreText(const std::string& metric, double score, bool signedFigure = false);

} // namespace kurtoscope
