// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QToolButton>

namespace kurtoscope {

// A quiet button whose menu ticks several of a list: "5 Places ▾".
class KURTOSCOPE_WIDGETS_API CheckMenu : public QToolButton {
    Q_OBJECT
public:
    CheckMenu(const QString& noun, const QString& tip, QWidget* parent);     // noun: "Places"
    void setEntries(const QStringList& entries, const QStringList& checked); // tells nobody
    QStringList checked() const;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

signals:
    void changed();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString caption() const;
    QString noun_;
    QStringList entries_;
};

} // namespace kurtoscope
