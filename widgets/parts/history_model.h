// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"
#include "widgets/workspace.h"

#include <QAbstractTableModel>

namespace kurtoscope {

// The history, newest first: when, what, how long. Warnings and errors in the problem colour, their hint as
// tooltip.
class KURTOSCOPE_WIDGETS_API HistoryModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { when, what, took };
    using QAbstractTableModel::QAbstractTableModel;

    void take(const std::vector<HistoryLine>& lines, bool problemsOnly);
    const HistoryLine& lineAt(int row) const { return lines_[static_cast<std::size_t>(row)]; }
    int problems() const;                    // warnings and errors among the lines shown
    static QString duration(double seconds); // "84 ms", "3.2 s", "2 min 5 s"

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<HistoryLine> lines_; // newest first
};

} // namespace kurtoscope
