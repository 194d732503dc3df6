// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QToolButton>

namespace kurtoscope {

// Three dots at the end of a view's heading; its menu copies and saves the view.
class KURTOSCOPE_WIDGETS_API ViewMenu : public QToolButton {
    Q_OBJECT
public:
    explicit ViewMenu(QWidget* parent);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;
};

} // namespace kurtoscope
