// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/table_text.h"

#include <QAbstractItemModel>
#include <QStringList>

#include <functional>

namespace kurtoscope {
namespace {

QString forMarkdown(QString text) {
    for (const char* sign : {"\\", "|", "*", "_", "`", "<"})
        text.replace(sign, QStringLiteral("\\") + sign);
    return text.replace('\n', ' ');
}

QString forLatex(const QString& text) {
    QString out;
    for (const QChar c : text) {
        switch (c.unicode()) {
        case '&':
        case '%':
        case '$':
        case '#':
        case '_':
        case '{':
        case '}':
            out += QStringLiteral("\\") + c;
            break;
        case '\\':
            out += QStringLiteral("\\textbackslash{}");
            break;
        case '~':
            out += QStringLiteral("\\textasciitilde{}");
            break;
        case '^':
            out += QStringLiteral("\\textasciicircum{}");
            break;
        case u'±':
            out += QStringLiteral("$\\pm$");
            break;
        case u'−':
            out += QStringLiteral("$-$");
            break;
        case u'×':
            out += QStringLiteral("$\\times$");
            break;
        case u'∞':
            out += QStringLiteral("$\\infty$");
            break;
        case u'–':
            out += QStringLiteral("--");
            break;
        case u'·':
            out += QStringLiteral("$\\cdot$");
            break;
        case u'…':
            out += QStringLiteral("\\dots{}");
            break;
        case '\n':
            out += ' ';
            break;
        default:
            out += c;
        }
    }
    return out;
}

QStringList rowOf(const QAbstractItemModel& model, int row, const std::function<QString(QString)>& write) {
    QStringList cells;
    const auto head = [&](int section, Qt::Orientation orientation) {
        return model.headerData(section, orientation, Qt::DisplayRole).toString();
    };
    cells << (row < 0 ? QString() : write(head(row, Qt::Vertical)));
    for (int column = 0; column < model.columnCount(); ++column)
        cells << write(row < 0 ? head(column, Qt::Horizontal)
                               : model.index(row, column).data(Qt::DisplayRole).toString());
    return cells;
}

} // namespace

QString markdownTable(const QAbstractItemModel& model) {
    QString out;
    for (int row = -1; row < model.rowCount(); ++row) {
        out += QStringLiteral("| ") + rowOf(model, row, forMarkdown).join(QStringLiteral(" | ")) +
               QStringLiteral(" |\n");
        if (row < 0)
            out += QStringLiteral("| --- |") + QStringLiteral(" ---: |").repeated(model.columnCount()) + '\n';
    }
    return out;
}

QString latexTable(const QAbstractItemModel& model) {
    QString out = QStringLiteral("\\begin{tabular}{l") + QString(model.columnCount(), 'r') +
                  QStringLiteral("}\n\\hline\n");
    for (int row = -1; row < model.rowCount(); ++row) {
        out += rowOf(model, row, forLatex).join(QStringLiteral(" & ")) + QStringLiteral(" \\\\\n");
        if (row < 0) out += QStringLiteral("\\hline\n");
    }
    return out + QStringLiteral("\\hline\n\\end{tabular}\n");
}

} // namespace kurtoscope
