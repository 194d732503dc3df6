// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QColor>
#include <QString>
#include <QWidget>

#include <vector>

class QPainter;

namespace kurtoscope {

// Rows of one line each: a label, then a dot before it, a bar behind it or a sparkline over a thin bar, and a
// small figure at the right.
// Click, arrows, Home and End choose one.
class KURTOSCOPE_WIDGETS_API RowList : public QWidget {
    Q_OBJECT
public:
    struct Row {
        QString label, figure, tip;
        int severity = -1;        // 0…3: a dot; −1: none
        double bar = -1;          // 0…1: a bar; −1: none
        std::vector<float> spark; // 0…1 each; empty: none
        bool known = true;        // drawn faint where nothing was observed
    };
    explicit RowList(int rowHeight, QWidget* parent = nullptr) : RowList(rowHeight, rowHeight, parent) {}
    RowList(int rowHeight, int tallest, QWidget* parent = nullptr); // rows grow where there is room

    void setRows(std::vector<Row> rows);
    void setCurrent(int row);
    const std::vector<Row>& rows() const { return rows_; }
    int current() const { return current_; }
    QRect rectOf(int row) const { return {0, row * rowHeight_, width(), rowHeight_}; }
    QSize sizeHint() const override { return {170, least_ * static_cast<int>(rows_.size())}; }
    QSize minimumSizeHint() const override { return {110, sizeHint().height()}; }

signals:
    void rowChosen(int row);
    void currentShown(QRect area); // for a scroll area to bring into view

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override; // a new theme
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void fitType();
    void fitRoom();
    int rowAt(int y) const;
    void paintSpark(QPainter& painter, const Row& row, const QRectF& box, bool current) const;
    void choose(int row);

    std::vector<Row> rows_;
    int asked_, tallest_; // in the usual type
    int least_;           // in the one of now
    int rowHeight_;
    int current_ = -1, hovered_ = -1;
};

} // namespace kurtoscope
