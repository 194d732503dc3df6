// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QComboBox>

namespace kurtoscope {

// A small frameless choice for a view's heading: its word in grey and a triangle.
class KURTOSCOPE_WIDGETS_API QuietChoice : public QComboBox {
    Q_OBJECT
public:
    QuietChoice(const QStringList& entries, const QString& name, const QString& tip, QWidget* parent);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }
    void showPopup() override;

protected:
    void paintEvent(QPaintEvent* event) override;
};

} // namespace kurtoscope
