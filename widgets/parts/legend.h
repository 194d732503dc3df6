// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QColor>
#include <QList>
#include <QWidget>

namespace kurtoscope {

// Names in their line's colour under a plot, wrapped to the width, outside the data.
class KURTOSCOPE_WIDGETS_API Legend : public QWidget {
    Q_OBJECT
public:
    struct Entry {
        QString name;
        QColor colour;
        bool strong = false, dashed = false;
    };
    explicit Legend(QWidget* parent = nullptr);
    void setEntries(QList<Entry> entries);
    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override { return layOut(width, nullptr); }
    QSize sizeHint() const override { return {200, layOut(width() > 50 ? width() : 300, nullptr)}; }

signals:
    void entryClicked(int entry);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    int layOut(int width, QList<QRect>* boxes) const;
    QList<Entry> entries_;
};

} // namespace kurtoscope
