// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/known_models_table.h"

#include "widgets/figures.h"

#include <algorithm>

namespace kurtoscope {
namespace {

Qt::Alignment alignment(int column) {
    const bool figures = column == KnownModelsTable::parameters || column == KnownModelsTable::size;
    return Qt::AlignVCenter | (figures ? Qt::AlignRight : Qt::AlignLeft);
}

} // namespace

void KnownModelsTable::setModels(std::vector<KnownModel> models) {
    beginResetModel();
    models_.erase(models_.begin() + named_, models_.end());
    for (KnownModel& model : models)
        if (std::ranges::find(models_, model.path, &KnownModel::path) == models_.end())
            models_.push_back(std::move(model));
    endResetModel();
}

int KnownModelsTable::add(KnownModel model) {
    const auto found = std::ranges::find(models_, model.path, &KnownModel::path);
    if (found != models_.end()) return static_cast<int>(found - models_.begin());
    beginInsertRows({}, 0, 0);
    models_.insert(models_.begin(), std::move(model));
    ++named_;
    endInsertRows();
    return 0;
}

int KnownModelsTable::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(models_.size());
}

int KnownModelsTable::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : columns;
}

QVariant KnownModelsTable::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const KnownModel& model = at(index.row());
    const bool sorts = role == Qt::UserRole;
    if (role == Qt::TextAlignmentRole) return QVariant(alignment(index.column()));
    if (role == Qt::ToolTipRole) return QString::fromStdString(model.path);
    if (role != Qt::DisplayRole && !sorts) return {};
    switch (index.column()) {
    case name:
        return QString::fromStdString(model.name);
    case origin:
        return QString::fromStdString(model.origin);
    case shape:
        if (sorts) return model.layers;
        return tr("%1 · %2 × %3")
            .arg(QString::fromStdString(model.architecture))
            .arg(model.layers)
            .arg(model.hidden);
    case parameters:
        return sorts ? QVariant(qint64{model.parameters})
                     : QVariant(figure(static_cast<double>(model.parameters))
                                    .replace(u'k', QStringLiteral(" k"))
                                    .replace(u'M', QStringLiteral(" M"))
                                    .replace(u'G', QStringLiteral(" G")));
    case stored:
        return QString::fromStdString(model.storedPrecision);
    case size:
        return sorts ? QVariant(qint64{model.bytes}) : QVariant(bytes(model.bytes));
    default:
        return {};
    }
}

QVariant KnownModelsTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation == Qt::Horizontal && role == Qt::TextAlignmentRole) return QVariant(alignment(section));
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case name:
        return tr("Model");
    case origin:
        return tr("From");
    case shape:
        return tr("Layers × channels");
    case parameters:
        return tr("Parameters");
    case stored:
        return tr("Stored as");
    case size:
        return tr("On disk");
    default:
        return {};
    }
}

} // namespace kurtoscope
