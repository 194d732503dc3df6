// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/model_info.h"

#include <vector>

namespace kurtoscope {

// Models that can be opened, one a row: where from, size, layers, stored precision. UserRole sorts.
class KnownModelsTable : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { name, origin, shape, parameters, stored, size, columns };
    using QAbstractTableModel::QAbstractTableModel;

    void setModels(std::vector<KnownModel> models); // those that a person named stay
    int add(KnownModel model);                      // its row
    const KnownModel& at(int row) const { return models_[static_cast<std::size_t>(row)]; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<KnownModel> models_;
    int named_ = 0; // by a person: the first rows
};

} // namespace kurtoscope
