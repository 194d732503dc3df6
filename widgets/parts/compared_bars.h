// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/text_reading.h"
#include "widgets/export.h"

#include <QColor>
#include <QWidget>

namespace kurtoscope {

// Probabilities of both sides as pairs of bars: FP32 above, the recipe below. Tooltips give the figures.
class KURTOSCOPE_WIDGETS_API ComparedBars : public QWidget {
    Q_OBJECT
public:
    explicit ComparedBars(QWidget* parent = nullptr);
    void setEntries(std::vector<Compared> entries, const QString& recipe, const QColor& before,
                    const QColor& after);
    const std::vector<Compared>& entries() const { return entries_; }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {150, sizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    int rowHeight() const;
    int legendHeight() const;

    std::vector<Compared> entries_;
    QString recipe_;
    QColor before_, after_;
};

} // namespace kurtoscope
