// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/comparison_table.h"

#include "widgets/parts/comparison_model.h"
#include "widgets/theme.h"

#include <QPainter>

namespace kurtoscope {
namespace {
constexpr int inset = 7, widest = 116;

// The part of a column that is not scrolled out of sight: a figure that loses its first digits reads as
// another figure, so what does not fit there is elided.
QRect inSight(const QRect& area, const QWidget* viewport) {
    return QRect(std::max(area.left(), 0), area.top(),
                 std::min(area.right(), viewport->width() - 1) - std::max(area.left(), 0) + 1, area.height());
}

// As many whole words as fit, for the same reason.
QString fitted(const QString& text, const QFont& font, double width) {
    if (tabularWidth(font, text) <= width) return text;
    const QString more = QStringLiteral("…");
    for (qsizetype end = text.lastIndexOf(' '); end > 0; end = text.lastIndexOf(' ', end - 1))
        if (const QString part = text.left(end + 1) + more; tabularWidth(font, part) <= width) return part;
    return tabularWidth(font, more) <= width ? more : QString();
}
} // namespace

RecipeHeader::RecipeHeader(QWidget* parent) : QHeaderView(Qt::Horizontal, parent) {
    setSectionsClickable(true);
    setHighlightSections(false);
    setSectionResizeMode(QHeaderView::ResizeToContents);
    setResizeContentsPrecision(-1);
    setMinimumSectionSize(84);
}

QSize RecipeHeader::sectionSizeFromContents(int section) const {
    const Theme& theme = Theme::current();
    const QString name = model()->headerData(section, orientation(), Qt::DisplayRole).toString();
    const QString state = model()->headerData(section, orientation(), ComparisonModel::stateRole).toString();
    const QFontMetrics bold(theme.strong()), small(theme.small());
    const int text = std::max(bold.horizontalAdvance(name), small.horizontalAdvance(state));
    return {std::min(text + 2 * inset + 2, widest),
            2 * bold.height() + small.height() + 8}; // long names take two lines
}

void RecipeHeader::paintSection(QPainter* painter, const QRect& area, int section) const {
    const Theme& theme = Theme::current();
    const auto ask = [&](int role) { return model()->headerData(section, orientation(), role); };
    const bool active = ask(ComparisonModel::activeRole).toBool();
    painter->save();
    painter->fillRect(area, active ? theme.keptSoft : theme.surface);
    const QFontMetrics bold(theme.strong()), small(theme.small());
    const QRect text = inSight(area, viewport()).adjusted(inset, 2, -inset, -5);
    const QRect above = text.adjusted(0, 0, 0, -small.height());
    const QString name =
        ask(Qt::DisplayRole).toString().replace(QLatin1Char('-'), QChar(0x2011)); // breaks at spaces
    painter->setFont(theme.strong());
    painter->setPen(ask(ComparisonModel::staleRole).toBool() ? theme.faint : theme.text);
    const int lines = above.width() < minimumSectionSize() - 2 * inset ? 1 : 2; // a stub holds no two words
    const bool wraps = lines > 1 && bold.horizontalAdvance(name) > above.width();
    painter->drawText(
        above, Qt::AlignRight | Qt::AlignBottom | (wraps ? Qt::TextWordWrap : 0),
        bold.elidedText(name, Qt::ElideRight, wraps ? 2 * above.width() - above.width() / 4 : above.width()));
    painter->setFont(theme.small());
    painter->setPen(theme.muted);
    painter->drawText(
        text, Qt::AlignRight | Qt::AlignBottom,
        small.elidedText(ask(ComparisonModel::stateRole).toString(), Qt::ElideRight, text.width()));
    painter->setPen(theme.border);
    painter->drawLine(area.bottomLeft(), area.bottomRight());
    painter->restore();
}

FigureHeader::FigureHeader(QWidget* parent) : QHeaderView(Qt::Vertical, parent) {
    setSectionResizeMode(QHeaderView::Fixed);
    setHighlightSections(false);
    setDefaultSectionSize(QFontMetrics(Theme::current().body()).height() + 8);
}

QSize FigureHeader::sectionSizeFromContents(int section) const {
    const QFontMetrics metrics(Theme::current().body());
    const QString text = model()->headerData(section, orientation(), Qt::DisplayRole).toString();
    return {metrics.horizontalAdvance(text) + inset + 4, defaultSectionSize()};
}

void FigureHeader::paintSection(QPainter* painter, const QRect& area, int section) const {
    const Theme& theme = Theme::current();
    painter->save();
    painter->fillRect(area, theme.surface);
    painter->setFont(theme.body());
    painter->setPen(theme.muted);
    painter->drawText(area.adjusted(2, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                      model()->headerData(section, orientation(), Qt::DisplayRole).toString());
    painter->setPen(theme.grid);
    painter->drawLine(area.bottomLeft(), area.bottomRight());
    painter->restore();
}

QSize FigureDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const {
    const Theme& theme = Theme::current();
    const double width = tabularWidth(theme.strong(), index.data(Qt::DisplayRole).toString());
    return {static_cast<int>(width) + 2 * inset + 2, QFontMetrics(theme.body()).height() + 8};
}

void FigureDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                           const QModelIndex& index) const {
    const Theme& theme = Theme::current();
    painter->save();
    painter->fillRect(option.rect,
                      index.data(ComparisonModel::activeRole).toBool() ? theme.keptSoft : theme.surface);
    painter->setPen(theme.grid);
    painter->drawLine(option.rect.bottomLeft(), option.rect.bottomRight());
    const QString text = index.data(Qt::DisplayRole).toString();
    const QVariant ink = index.data(Qt::ForegroundRole);
    const auto* table = qobject_cast<const QAbstractScrollArea*>(option.widget);
    const QRect seen = table ? inSight(option.rect, table->viewport()) : option.rect;
    const QRectF box = QRectF(seen).adjusted(inset, 0, -inset, 0);
    const int kernel = index.data(ComparisonModel::kernelRole).toInt();
    if (kernel >= 0) {
        const Theme::Tag& tag = theme.tag(static_cast<KernelTag>(kernel));
        const double width = QFontMetricsF(theme.small()).horizontalAdvance(text) + 16;
        if (width > box.width()) return painter->restore();
        const QRectF pill(box.right() - width, box.center().y() - 8.5, width, 17);
        painter->setRenderHint(QPainter::Antialiasing);
        if (index.data(ComparisonModel::staleRole).toBool()) painter->setOpacity(0.5);
        painter->setPen(Qt::NoPen);
        painter->setBrush(tag.back);
        painter->drawRoundedRect(pill, 8.5, 8.5);
        painter->setPen(tag.ink);
        painter->setFont(theme.small());
        painter->drawText(pill, Qt::AlignCenter, text);
    } else {
        const bool coloured = ink.isValid() && ink.value<QColor>() != theme.faint;
        painter->setFont(coloured ? theme.strong() : theme.body());
        painter->setPen(ink.isValid() ? ink.value<QColor>() : theme.text);
        drawTabular(*painter, box, Qt::AlignRight, fitted(text, painter->font(), box.width()));
    }
    painter->restore();
}

} // namespace kurtoscope
