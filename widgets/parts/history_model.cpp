// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/history_model.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

bool isProblem(const HistoryLine& line) {
    return line.kind == HistoryLine::Kind::warning || line.kind == HistoryLine::Kind::error;
}

} // namespace

void HistoryModel::take(const std::vector<HistoryLine>& lines, bool problemsOnly) {
    beginResetModel();
    lines_.clear();
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (!problemsOnly || isProblem(*line)) lines_.push_back(*line);
    endResetModel();
}

int HistoryModel::problems() const {
    return static_cast<int>(std::ranges::count_if(lines_, isProblem));
}

QString HistoryModel::duration(double seconds) {
    if (seconds < 0) return {};
    if (seconds < 1) return QStringLiteral("%1 ms").arg(std::lround(seconds * 1000));
    if (seconds < 60) return fixed(seconds, 1) + QStringLiteral(" s");
    const long whole = std::lround(seconds);
    return QStringLiteral("%1 min %2 s").arg(whole / 60).arg(whole % 60);
}

int HistoryModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(lines_.size());
}

int HistoryModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : 3;
}

QVariant HistoryModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const HistoryLine& line = lineAt(index.row());
    switch (role) {
    case Qt::DisplayRole:
        if (index.column() == when) return line.when.toString(QStringLiteral("HH:mm:ss"));
        if (index.column() == took) return duration(line.seconds);
        return (line.kind == HistoryLine::Kind::stopped   ? tr("%1 (stopped)").arg(line.what)
                : line.kind == HistoryLine::Kind::warning ? tr("Warning: %1").arg(line.what)
                : line.kind == HistoryLine::Kind::error   ? tr("Error: %1").arg(line.what)
                                                          : line.what) +
               (line.hint.isEmpty() ? QString() : QStringLiteral(". ") + line.hint);
    case Qt::ToolTipRole:
        return line.hint.isEmpty() ? line.what : line.what + u'\n' + line.hint;
    case Qt::ForegroundRole:
        if (isProblem(line) && index.column() == what) return Theme::current().problem;
        return index.column() == what && line.kind != HistoryLine::Kind::stopped ? Theme::current().text
                                                                                 : Theme::current().muted;
    case Qt::TextAlignmentRole:
        return QVariant(Qt::AlignVCenter | (index.column() == took ? Qt::AlignRight : Qt::AlignLeft));
    default:
        return {};
    }
}

QVariant HistoryModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    return section == when   ? tr("when")
           : section == what ? tr("what")
           : section == took ? tr("took")
                             : QVariant();
}

} // namespace kurtoscope
