// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QHeaderView>
#include <QStyledItemDelegate>
#include <QTableView>

namespace kurtoscope {

// The recipes' names in bold, their progress in grey below; the active one tinted.
class KURTOSCOPE_WIDGETS_API RecipeHeader : public QHeaderView {
    Q_OBJECT
public:
    explicit RecipeHeader(QWidget* parent);
    static QString dragFormat(); // of what is dragged: the column's number as text

signals:
    void dropped(int from, int onto); // a name dragged onto another one

protected:
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragMoveEvent(QDragMoveEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void paintSection(QPainter* painter, const QRect& area, int section) const override;
    QSize sectionSizeFromContents(int section) const override;

private:
    void aimAt(int section);

    QPoint pressed_;
    int dragged_ = -1, aim_ = -1; // columns: −1 for none
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
