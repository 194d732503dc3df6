// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/view_table.h"

#include <cmath>

namespace kurtoscope {
namespace {

QString quoted(QString field) {
    if (!field.contains(u',') && !field.contains(u'"') && !field.contains(u'\n') && !field.contains(u'\r'))
        return field;
    return u'"' + field.replace(u'"', QStringLiteral("\"\"")) + u'"';
}

QString unbroken(QString field) {
    return field.replace(u'\t', u' ').replace(u'\n', QStringLiteral("⏎")).remove(u'\r');
}

QString joined(const ViewTable& table, QChar between, const QString& end, QString (*write)(QString)) {
    QString text;
    const auto line = [&](const QStringList& fields) {
        for (qsizetype i = 0; i < fields.size(); ++i) {
            if (i > 0) text += between;
            text += write(fields[i]);
        }
        text += end;
    };
    line(table.header);
    for (const QStringList& row : table.rows)
        line(row);
    return text;
}

} // namespace

QByteArray ViewTable::toCsv() const {
    return joined(*this, u',', QStringLiteral("\r\n"), quoted).toUtf8();
}

QString ViewTable::toTabs() const {
    return joined(*this, u'\t', QStringLiteral("\n"), unbroken);
}

QString ViewTable::number(double value) {
    if (std::isnan(value)) return {};
    if (std::isinf(value)) return value > 0 ? QStringLiteral("inf") : QStringLiteral("-inf");
    return QString::number(value, 'g', 7);
}

} // namespace kurtoscope
