// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/reading.h"
#include "widgets/export.h"

#include <QColor>
#include <QFont>
#include <QList>
#include <QString>

class QApplication;
class QPainter;
class QRectF;

namespace kurtoscope {

// The one place for colours, spacing and type, read from a JSON file. One accent (`kept`) means a kept
// channel and nothing else; `primary` is for actions and selection; `better` and `worse` only for differences
// beyond their error.
struct KURTOSCOPE_WIDGETS_API Theme {
    QString name;
    bool dark = false;
    QColor window, surface, raised, border, grid, text, muted, faint;
    QColor kept, keptSoft, onKept, primary, primarySoft, onPrimary, bar, rest;
    QColor better, worse, problem, problemSoft;
    struct Tag {
        QColor back, ink;
    };
    Tag floating, simulated, integer;
    QList<QColor> severity;   // four steps, none to extreme
    QList<QColor> series;     // line colours; the first is the baseline's
    QList<QColor> sequential; // control points of the heat map's palette, evenly spaced, dark to bright
    QString fontFamily;       // the wanted one when installed, else the system's
    int spacing = 8, radius = 5, fontSize = 13, smallSize = 11; // pixels

    // `name` is "light", "dark" or a path of a theme file. Throws Error naming file and key.
    static Theme load(const QString& name);
    static const Theme& current();
    // Makes it current and gives the application its palette, font and style sheet. Views follow
    // Change::theme.
    static void use(const Theme& theme, QApplication& app);

    QFont font(int pixels, bool bold = false) const;
    QFont body() const { return font(fontSize); }
    QFont small() const { return font(smallSize); }
    QFont strong() const { return font(fontSize, true); }
    const Tag& tag(KernelTag kernels) const;
    QColor line(int column) const { return series.at(column % series.size()); }
    QColor heat(double share) const; // 0…1 along the palette
    QString styleSheet() const;
};

// A colour between two, `share` 0 → a, 1 → b.
KURTOSCOPE_WIDGETS_API QColor mixed(const QColor& a, const QColor& b, double share);

// Draws digits in cells of equal width so that figures stand in columns whatever the font (Qt 6.4 cannot ask
// a font for its tabular numerals). Horizontal alignment only; vertically centred.
KURTOSCOPE_WIDGETS_API void drawTabular(QPainter& painter, const QRectF& box, Qt::Alignment alignment,
                                        const QString& text);
KURTOSCOPE_WIDGETS_API double tabularWidth(const QFont& font, const QString& text);

// As many of the phrases ("layer 1 · kurtosis") as fit whole, from the first on: half a word tells nobody
// anything. Nothing where less than most of the first has room.
KURTOSCOPE_WIDGETS_API QString phrasesThatFit(const QString& phrases, const QFontMetrics& metrics, int width);

} // namespace kurtoscope
