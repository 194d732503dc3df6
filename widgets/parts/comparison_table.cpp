// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/comparison_table.h"

#include "widgets/parts/comparison_model.h"
#include "widgets/theme.h"

#include <QPainter>

namespace kurtoscope {
namespace {
constexpr int inset = 7, widest = 116;
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
    const QRect text = area.adjusted(inset, 2, -inset, -5);
    const QRect above = text.adjusted(0, 0, 0, -small.height());
    const QString name =
        ask(Qt::DisplayRole).toString().replace(QLatin1Char('-'), QChar(0x2011)); // breaks at spaces
    painter->setFont(theme.strong());
    painter->setPen(ask(ComparisonModel::staleRole).toBool() ? theme.faint : theme.text);
    const bool wraps = bold.horizontalAdvance(name) > above.width();
    painter->drawText(above, Qt::AlignRight | Qt::AlignBottom | (wraps ? Qt::TextWordWrap : 0),
                      wraps ? bold.elidedText(name, Qt::ElideRight, 2 * above.width() - above.width() / 4)
                            : name);
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
    const QRectF box = QRectF(option.rect).adjusted(inset, 0, -inset, 0);
    const int kernel = index.data(ComparisonModel::kernelRole).toInt();
    if (kernel >= 0) {
        const Theme::Tag& tag = theme.tag(static_cast<KernelTag>(kernel));
        const double width = QFontMetricsF(theme.small()).horizontalAdvance(text) + 16;
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
        drawTabular(*painter, box, Qt::AlignRight, text);
    }
    painter->restore();
}

} // namespace kurtoscope
