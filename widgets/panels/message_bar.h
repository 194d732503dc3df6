// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QWidget>

class QLabel;
class QPushButton;
class QToolButton;

namespace kurtoscope {

// An error, under the header: what happened, where, what to do. Stays until dismissed; its text can be
// selected.
class KURTOSCOPE_WIDGETS_API MessageBar : public QWidget {
    Q_OBJECT
public:
    explicit MessageBar(QWidget* parent = nullptr);
    void showError(const QString& what, const QString& where, const QString& hint);
    // No failure: in calm colours, with a button where `action` names one; accepted() says that it was
    // pressed.
    void showOffer(const QString& what, const QString& hint, const QString& action = {});
    bool isOffer() const { return offer_; }
    void dismiss();
    QString text() const;

signals:
    void dismissed(); // by the person
    void accepted();

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override; // a new theme

private:
    void applyTheme();
    void showParts(const QString& what, const QString& where, const QString& hint, const QString& action);

    QLabel* what_ = nullptr;
    QLabel* where_ = nullptr;
    QLabel* hint_ = nullptr;
    QPushButton* action_ = nullptr;
    QToolButton* close_ = nullptr;
    bool offer_ = false;
};

} // namespace kurtoscope
