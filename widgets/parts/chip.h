// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QAbstractButton>

namespace kurtoscope {

// A framed pair of words, the second small and grey: "CPU  AVX-512 VNNI · 2 threads". A press opens what it
// names.
class KURTOSCOPE_WIDGETS_API Chip : public QAbstractButton {
    Q_OBJECT
public:
    explicit Chip(QWidget* parent = nullptr);
    void setWords(const QString& name, const QString& details);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;
    int nameWidth() const; // with the details left out

protected:
    void paintEvent(QPaintEvent* event) override;
    void enterEvent(QEnterEvent* event) override;
    void leaveEvent(QEvent* event) override;

private:
    QString details_;
};

} // namespace kurtoscope
