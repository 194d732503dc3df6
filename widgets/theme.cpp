// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/theme.h"

#include "core/base/error.h"

#include <QApplication>
#include <QFile>
#include <QFontDatabase>
#include <QFontMetricsF>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QPainter>
#include <QPalette>
#include <QStyle>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// Control points of the palettes as published by their authors (van der Walt and Smith 2015; Nuñez et al.
// 2018).
const QStringList viridis{"#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c",
                          "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"};
const QStringList cividis{"#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
                          "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"};

class ThemeFile {
public:
    explicit ThemeFile(QString path) : path_(std::move(path)) {
        QFile file(path_);
        if (!file.open(QIODevice::ReadOnly))
            fail("cannot read the theme: " + file.errorString(), "",
                 "Give \"light\", \"dark\" or a theme file.");
        QJsonParseError parsing;
        const QJsonDocument document = QJsonDocument::fromJson(file.readAll(), &parsing);
        if (!document.isObject())
            fail("not a theme: " + parsing.errorString() + " at byte " + QString::number(parsing.offset), "",
                 "Start from resources/themes/light.json.");
        root_ = document.object();
    }
    QColor colour(const char* key) const {
        return toColour(root_["colours"].toObject()[QLatin1String(key)], QString("colours.") + key);
    }
    Theme::Tag tag(const char* key) const {
        const QJsonArray pair = root_["tags"].toObject()[QLatin1String(key)].toArray();
        const QString name = QString("tags.") + key;
        if (pair.size() != 2) fail("expected two colours", name, "Give [background, text].");
        return {toColour(pair[0], name), toColour(pair[1], name)};
    }
    QList<QColor> colours(const char* key, int atLeast) const {
        QList<QColor> list;
        for (const auto& entry : root_[QLatin1String(key)].toArray())
            list.append(toColour(entry, key));
        if (list.size() < atLeast)
            fail(QString("got %1 colours, expected at least %2").arg(list.size()).arg(atLeast), key,
                 "Add more.");
        return list;
    }
    int size(const char* key, int usual) const {
        const int value = root_[QLatin1String(key)].toInt(usual);
        if (value < 1 || value > 64)
            fail(QString("got %1, expected 1 to 64").arg(value), key, "Give pixels.");
        return value;
    }
    QString word(const char* key) const { return root_[QLatin1String(key)].toString(); }
    bool flag(const char* key) const { return root_[QLatin1String(key)].toBool(); }

    [[noreturn]] void fail(const QString& what, const QString& key, const QString& hint) const {
        throw Error(what.toStdString(), (key.isEmpty() ? path_ : path_ + ", " + key).toStdString(),
                    hint.toStdString());
    }

private:
    QColor toColour(const QJsonValue& value, const QString& key) const {
        const QColor colour(value.toString());
        if (!colour.isValid())
            fail("\"" + value.toString() + "\" is not a colour", key, "Write colours as \"#rrggbb\".");
        return colour;
    }
    QString path_;
    QJsonObject root_;
};

Theme& slot() {
    static Theme theme = Theme::load("light");
    return theme;
}

} // namespace

Theme Theme::load(const QString& name) {
    const bool ours = name == "light" || name == "dark";
    const ThemeFile file(ours ? ":/kurtoscope/themes/" + name + ".json" : name);
    Theme t;
    t.name = file.word("name").isEmpty() ? name : file.word("name");
    t.dark = file.flag("dark");
    const std::pair<QColor*, const char*> wanted[] = {
        {&t.window, "window"},
        {&t.surface, "surface"},
        {&t.raised, "raised"},
        {&t.border, "border"},
        {&t.grid, "grid"},
        {&t.text, "text"},
        {&t.muted, "muted"},
        {&t.faint, "faint"},
        {&t.kept, "kept"},
        {&t.keptSoft, "keptSoft"},
        {&t.onKept, "onKept"},
        {&t.primary, "primary"},
        {&t.primarySoft, "primarySoft"},
        {&t.onPrimary, "onPrimary"},
        {&t.bar, "bar"},
        {&t.rest, "rest"},
        {&t.better, "better"},
        {&t.worse, "worse"},
        {&t.problem, "problem"},
        {&t.problemSoft, "problemSoft"},
    };
    for (const auto& [colour, key] : wanted)
        *colour = file.colour(key);
    t.floating = file.tag("float");
    t.simulated = file.tag("simulated");
    t.integer = file.tag("integer");
    t.severity = file.colours("severity", 4);
    t.series = file.colours("series", 4);
    const QString palette = file.word("sequential");
    if (palette != "viridis" && palette != "cividis")
        file.fail("unknown palette \"" + palette + "\"", "sequential", "Known: viridis, cividis.");
    for (const QString& point : palette == "viridis" ? viridis : cividis)
        t.sequential.append(QColor(point));
    t.spacing = file.size("spacing", t.spacing);
    t.radius = file.size("radius", t.radius);
    t.fontSize = file.size("fontSize", t.fontSize);
    t.smallSize = file.size("smallSize", t.smallSize);
    t.fontFamily = file.word("font");
    if (qGuiApp && !QFontDatabase::hasFamily(t.fontFamily))
        t.fontFamily = QFontDatabase::systemFont(QFontDatabase::GeneralFont).family();
    return t;
}

const Theme& Theme::current() {
    return slot();
}

void Theme::use(const Theme& theme, QApplication& app) {
    slot() = theme;
    QPalette p;
    p.setColor(QPalette::Window, theme.window);
    p.setColor(QPalette::Base, theme.surface);
    p.setColor(QPalette::AlternateBase, theme.raised);
    p.setColor(QPalette::Button, theme.surface);
    p.setColor(QPalette::ToolTipBase, theme.raised);
    p.setColor(QPalette::Mid, theme.border);
    p.setColor(QPalette::Light, theme.raised);
    p.setColor(QPalette::Dark, theme.border);
    for (const auto role :
         {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::ToolTipText}) {
        p.setColor(role, theme.text);
        p.setColor(QPalette::Disabled, role, theme.faint);
    }
    p.setColor(QPalette::PlaceholderText, theme.faint);
    p.setColor(QPalette::Highlight, theme.primary);
    p.setColor(QPalette::HighlightedText, theme.onPrimary);
    p.setColor(QPalette::Link, theme.primary);
    app.setStyle(QStringLiteral("Fusion")); // the same drawing on every desktop, from this palette
    app.setPalette(p);
    QToolTip::setPalette(p);
    app.setFont(theme.body());
    app.setStyleSheet(theme.styleSheet());
}

QFont Theme::font(int pixels, bool bold) const {
    QFont font(fontFamily);
    font.setPixelSize(pixels);
    font.setWeight(bold ? QFont::DemiBold : QFont::Normal);
    font.setHintingPreference(QFont::PreferNoHinting);
    return font;
}

const Theme::Tag& Theme::tag(KernelTag kernels) const {
    switch (kernels) {
    case KernelTag::integer:
        return integer;
    case KernelTag::simulated:
        return simulated;
    case KernelTag::floating:
        break;
    }
    return floating;
}

QColor Theme::heat(double share) const {
    const double at = std::clamp(std::isfinite(share) ? share : 0.0, 0.0, 1.0) * (sequential.size() - 1);
    const auto below = std::min<qsizetype>(static_cast<qsizetype>(at), sequential.size() - 2);
    return mixed(sequential[below], sequential[below + 1], at - static_cast<double>(below));
}

QString Theme::styleSheet() const {
    QString sheet = R"(
QToolTip { background: %raised; color: %text; border: 1px solid %border; padding: 4px; }
QPushButton, QToolButton#framed { background: %surface; color: %text; border: 1px solid %border; border-radius: %radiuspx; padding: 4px 11px; }
QPushButton:hover, QToolButton#framed:hover { background: %raised; border-color: %faint; }
QPushButton:pressed { background: %grid; }
QPushButton:focus, QToolButton#framed:focus { border-color: %primary; }
QPushButton:disabled, QToolButton#framed:disabled { color: %faint; }
QPushButton[primary="true"], QPushButton:default { background: %primary; color: %onPrimary; border-color: %primary; }
QPushButton[primary="true"]:disabled, QPushButton:default:disabled { background: %grid; color: %faint; border-color: %border; }
QLineEdit { background: %surface; color: %text; border: 1px solid %border; border-radius: %radiuspx; padding: 3px 8px; selection-background-color: %primary; selection-color: %onPrimary; }
QLineEdit:focus { border-color: %primary; }
QLineEdit { lineedit-clear-button-icon: url(:/kurtoscope/icons/clear.svg); }
QLabel[muted="true"] { color: %muted; }
QRadioButton::indicator, QCheckBox::indicator { width: 11px; height: 11px; border: 1px solid %faint; background: %surface; }
QRadioButton::indicator { border-radius: 6px; }
QCheckBox::indicator { border-radius: 3px; }
QRadioButton::indicator:checked { border: 4px solid %primary; width: 5px; height: 5px; }
QCheckBox::indicator:checked { background: %primary; border-color: %primary; }
QRadioButton::indicator:focus, QCheckBox::indicator:focus { border-color: %primary; }
QComboBox QAbstractItemView { background: %surface; color: %text; selection-background-color: %primarySoft; selection-color: %text; border: 1px solid %border; }
QProgressBar { background: %grid; border: none; border-radius: 4px; max-height: 8px; }
QProgressBar::chunk { background: %primary; border-radius: 4px; }
QTableView { background: %surface; border: none; gridline-color: %border; selection-background-color: transparent; }
QTableCornerButton::section, QHeaderView, QHeaderView::section { background: %surface; color: %muted; border: none; }
QTreeView QHeaderView::section, QTableView#history-table QHeaderView::section { padding: 0 3px; }
QScrollArea, QAbstractScrollArea { background: %surface; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: %border; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::handle:hover { background: %faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: %surface; color: %text; border: 1px solid %border; padding: 4px; }
QMenu::item { padding: 4px 22px 4px 12px; border-radius: 3px; }
QMenu::item:selected { background: %primarySoft; }
QMenu::item:disabled { color: %faint; }
QMenu::separator { height: 1px; background: %border; margin: 4px 6px; }
QTabBar::tab { background: %window; color: %muted; padding: 5px 12px; border: none; border-top: 2px solid transparent; }
QTabBar::tab:selected { background: %surface; color: %text; border-top: 2px solid %primary; }
QTabBar::tab:hover { color: %text; }
QTabBar[inside="true"]::tab { background: %surface; padding: 2px 6px; border-top: none; border-bottom: 2px solid %border; }
QTabBar[inside="true"]::tab:selected { border-bottom-color: %primary; }
QTabBar[inside="true"]::tab:focus { background: %primarySoft; }
QToolBar#top { background: %surface; border: none; padding: 0; margin: 0; spacing: 0; }
QMainWindow::separator { background: %border; width: 2px; height: 2px; }
QMainWindow::separator:hover { background: %primary; }
QStatusBar { background: %surface; color: %muted; border-top: 1px solid %border; }
QStatusBar::item { border: none; }
QDialog, QMessageBox, QWidget#training { background: %surface; }
)";
    const std::pair<const char*, QString> names[] = {
        // Longer names first: "%primarySoft" must not be taken for "%primary".
        {"%primarySoft", primarySoft.name()},
        {"%onPrimary", onPrimary.name()},
        {"%primary", primary.name()},
        {"%surface", surface.name()},
        {"%window", window.name()},
        {"%raised", raised.name()},
        {"%border", border.name()},
        {"%grid", grid.name()},
        {"%muted", muted.name()},
        {"%faint", faint.name()},
        {"%text", text.name()},
        {"%radius", QString::number(radius)},
        {"%small", QString::number(smallSize)},
    };
    for (const auto& [key, value] : names)
        sheet.replace(QLatin1String(key), value);
    return sheet;
}

QColor mixed(const QColor& a, const QColor& b, double share) {
    const auto part = [share](int from, int to) {
        return static_cast<int>(std::lround(from + (to - from) * share));
    };
    return {part(a.red(), b.red()), part(a.green(), b.green()), part(a.blue(), b.blue())};
}

namespace {
double digitWidth(const QFontMetricsF& metrics) {
    double widest = 0;
    for (char digit = '0'; digit <= '9'; ++digit)
        widest = std::max(widest, metrics.horizontalAdvance(QLatin1Char(digit)));
    return widest;
}
} // namespace

QString phrasesThatFit(const QString& phrases, const QFontMetrics& metrics, int width) {
    const QString between = QStringLiteral(" · ");
    QString some = phrases;
    for (qsizetype end = some.size(); end > 0; end = some.lastIndexOf(between)) {
        some.truncate(end);
        if (metrics.horizontalAdvance(some) <= width) return some;
    }
    return 3 * width >= 2 * metrics.horizontalAdvance(some) ? metrics.elidedText(some, Qt::ElideRight, width)
                                                            : QString();
}

double tabularWidth(const QFont& font, const QString& text) {
    const QFontMetricsF metrics(font);
    const double cell = digitWidth(metrics);
    double width = 0;
    for (const QChar c : text)
        width += c.isDigit() ? cell : metrics.horizontalAdvance(c);
    return width;
}

void drawTabular(QPainter& painter, const QRectF& box, Qt::Alignment alignment, const QString& text) {
    const QFontMetricsF metrics(painter.font());
    const double cell = digitWidth(metrics), width = tabularWidth(painter.font(), text);
    double x = box.left();
    if (alignment & Qt::AlignRight) x = box.right() - width;
    if (alignment & Qt::AlignHCenter) x = box.center().x() - width / 2;
    const double baseline = box.center().y() + (metrics.ascent() - metrics.descent()) / 2;
    for (const QChar c : text) {
        const double advance = metrics.horizontalAdvance(c), step = c.isDigit() ? cell : advance;
        painter.drawText(QPointF(x + (step - advance) / 2, baseline), QString(c));
        x += step;
    }
}

} // namespace kurtoscope
