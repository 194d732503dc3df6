// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QWidget>

class QLabel;
class QToolButton;

namespace kurtoscope {

// An error, under the header: what happened, where, what to do. Stays until dismissed; its text can be
// selected.
class KURTOSCOPE_WIDGETS_API MessageBar : public QWidget {
    Q_OBJECT
public:
    explicit MessageBar(QWidget* parent = nullptr);
    void showError(const QString& what, const QString& where, const QString& hint);
    void dismiss();
    QString text() const;

signals:
    void dismissed();

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override; // a new theme

private:
    void applyTheme();

    QLabel* what_ = nullptr;
    QLabel* where_ = nullptr;
    QLabel* hint_ = nullptr;
    QToolButton* close_ = nullptr;
};

} // namespace kurtoscope
