// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QWidget>

class QHBoxLayout;

namespace kurtoscope {

// A view's title in bold with one line of grey help beside it; controls stand at the right. It lets mouse
// presses through, so it can serve as a dock's title bar and be dragged.
class KURTOSCOPE_WIDGETS_API Heading : public QWidget {
    Q_OBJECT
public:
    explicit Heading(QWidget* parent = nullptr);
    void setText(const QString& title, const QString& help);
    void addControl(QWidget* control, bool last = false); // `last`: at the very end, whatever is added later
    QString title() const { return title_; }
    QString help() const { return help_; }
    int titleRoom() const; // what the whole title and the controls need
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    QString title_, help_;
    QHBoxLayout* row_ = nullptr;
    int atEnd_ = 0; // controls that stay last
};

} // namespace kurtoscope
