// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QHeaderView>
#include <QStyledItemDelegate>
#include <QTableView>

namespace kurtoscope {

// The recipes' names in bold, their progress in grey below; the active one tinted.
class RecipeHeader : public QHeaderView {
    Q_OBJECT
public:
    explicit RecipeHeader(QWidget* parent);

protected:
    void paintSection(QPainter* painter, const QRect& area, int section) const override;
    QSize sectionSizeFromContents(int section) const override;
};

// The figures' names, grey, at the left.
class FigureHeader : public QHeaderView {
    Q_OBJECT
public:
    explicit FigureHeader(QWidget* parent);

protected:
    void paintSection(QPainter* painter, const QRect& area, int section) const override;
    QSize sectionSizeFromContents(int section) const override;
};

// Tabular figures, the active column's tint, the kernel tag as a coloured pill.
class FigureDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

} // namespace kurtoscope
