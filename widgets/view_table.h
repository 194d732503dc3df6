// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QByteArray>
#include <QList>
#include <QStringList>

namespace kurtoscope {

// The numbers behind a picture as a spreadsheet takes them: plain figures, an empty field where nothing is
// known.
struct KURTOSCOPE_WIDGETS_API ViewTable {
    QStringList header;
    QList<QStringList> rows;

    QByteArray toCsv() const;            // RFC 4180, UTF-8
    QString toTabs() const;              // for the clipboard
    static QString number(double value); // 7 digits, "inf", "" for NaN
};

} // namespace kurtoscope
