// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/comparison_table.h"

#include "widgets/parts/comparison_model.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QDrag>
#include <QMimeData>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <utility>

namespace kurtoscope {
namespace {
constexpr int inset = 5, widest = 128, trailHeight = 12;

// The part of a column that is not scrolled out of sight: a figure that loses its first digits reads as
// another figure, so what does not fit there is elided.
QRect inSight(const QRect& area, const QWidget* viewport) {
    return QRect(std::max(area.left(), 0), area.top(),
                 std::min(area.right(), viewport->width() - 1) - std::max(area.left(), 0) + 1, area.height());
}

// A name in two lines, broken at the space that leaves the longer line shortest.
struct TwoLines {
    QString first, second;
    int width;
};
TwoLines inTwoLines(const QString& name, const QFontMetrics& metrics) {
    TwoLines best{name, {}, metrics.horizontalAdvance(name)};
    for (qsizetype at = name.indexOf(' '); at >= 0; at = name.indexOf(' ', at + 1)) {
        const QString first = name.left(at), second = name.mid(at + 1);
        const int width = std::max(metrics.horizontalAdvance(first), metrics.horizontalAdvance(second));
        if (width < best.width) best = {first, second, width};
    }
    return best;
}

// The running estimate: how it came to rest.
void drawTrail(QPainter& painter, const QRectF& box, const QList<float>& trail) {
    if (trail.size() < 2) return;
    float low = trail[0], high = trail[0];
    for (const float score : trail)
        if (std::isfinite(score)) low = std::min(low, score), high = std::max(high, score);
    QPolygonF line;
    for (qsizetype i = 0; i < trail.size(); ++i)
        if (std::isfinite(trail[i]))
            line << QPointF(
                box.left() + box.width() * static_cast<double>(i) / static_cast<double>(trail.size() - 1),
                high > low
                    ? box.bottom() - box.height() * static_cast<double>((trail[i] - low) / (high - low))
                    : box.center().y());
    if (line.size() < 2) return;
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(Theme::current().faint, 1));
    painter.drawPolyline(line);
    painter.setPen(Qt::NoPen);
    painter.setBrush(Theme::current().primary);
    painter.drawEllipse(line.last(), 2, 2);
    painter.setRenderHint(QPainter::Antialiasing, false);
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
    setMinimumSectionSize(72);
    setAcceptDrops(true);
    viewport()->setAcceptDrops(true);
}

QString RecipeHeader::dragFormat() {
    return QStringLiteral("application/x-kurtoscope-column");
}

void RecipeHeader::aimAt(int section) {
    if (std::exchange(aim_, section) != section) viewport()->update();
}

void RecipeHeader::mousePressEvent(QMouseEvent* event) {
    pressed_ = event->position().toPoint();
    dragged_ = event->button() == Qt::LeftButton ? logicalIndexAt(pressed_) : -1;
    QHeaderView::mousePressEvent(event);
}

void RecipeHeader::mouseMoveEvent(QMouseEvent* event) {
    const int far = (event->position().toPoint() - pressed_).manhattanLength();
    if (dragged_ < 0 || !(event->buttons() & Qt::LeftButton) || far < QApplication::startDragDistance())
        return QHeaderView::mouseMoveEvent(event);
    auto* what = new QMimeData;
    what->setData(dragFormat(), QByteArray::number(dragged_));
    auto* drag = new QDrag(this);
    drag->setMimeData(what);
    const QRect section(sectionViewportPosition(dragged_), 0, sectionSize(dragged_), height());
    drag->setPixmap(viewport()->grab(section));
    dragged_ = -1;
    drag->exec(Qt::CopyAction);
}

void RecipeHeader::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasFormat(dragFormat())) event->acceptProposedAction();
}

void RecipeHeader::dragMoveEvent(QDragMoveEvent* event) {
    const int from = event->mimeData()->data(dragFormat()).toInt();
    const int onto = logicalIndexAt(event->position().toPoint());
    const bool good = onto > 0 && onto != from; // FP32 keeps everything
    event->setAccepted(good);
    aimAt(good ? onto : -1);
}

void RecipeHeader::dragLeaveEvent(QDragLeaveEvent*) {
    aimAt(-1);
}

void RecipeHeader::dropEvent(QDropEvent* event) {
    const int from = event->mimeData()->data(dragFormat()).toInt();
    const int onto = logicalIndexAt(event->position().toPoint());
    aimAt(-1);
    if (!event->mimeData()->hasFormat(dragFormat()) || onto <= 0 || onto == from) return;
    event->acceptProposedAction();
    emit dropped(from, onto);
}

QSize RecipeHeader::sectionSizeFromContents(int section) const {
    const Theme& theme = Theme::current();
    const QString name = model()->headerData(section, orientation(), Qt::DisplayRole).toString();
    const QString state = model()->headerData(section, orientation(), ComparisonModel::stateRole).toString();
    const QFontMetrics bold(theme.strong()), small(theme.small());
    const int text = std::max(inTwoLines(name, bold).width, small.horizontalAdvance(state));
    return {std::min(text + 2 * inset + 2, widest), 2 * bold.height() + small.height() + trailHeight + 8};
}

void RecipeHeader::paintSection(QPainter* painter, const QRect& area, int section) const {
    const Theme& theme = Theme::current();
    const auto ask = [&](int role) { return model()->headerData(section, orientation(), role); };
    const bool active = ask(ComparisonModel::activeRole).toBool();
    painter->save();
    painter->fillRect(area, active ? theme.keptSoft : theme.surface);
    const QFontMetrics bold(theme.strong()), small(theme.small());
    const QRect whole = inSight(area, viewport()).adjusted(inset, 2, -inset, -5);
    const QRect text = whole.adjusted(0, 0, 0, -trailHeight);
    drawTrail(*painter,
              QRectF(whole.right() - std::min(whole.width(), 72), text.bottom() + 3,
                     std::min(whole.width(), 72) - 3, trailHeight - 4),
              ask(ComparisonModel::trailRole).value<QList<float>>());
    const QRect above = text.adjusted(0, 0, 0, -small.height());
    const QString name = ask(Qt::DisplayRole).toString();
    painter->setFont(theme.strong());
    painter->setPen(ask(ComparisonModel::staleRole).toBool() ? theme.faint : theme.text);
    const bool fits = bold.horizontalAdvance(name) <= above.width();
    const TwoLines lines = fits ? TwoLines{name, {}, 0} : inTwoLines(name, bold);
    const auto line = [&](const QRect& box, const QString& words) {
        painter->drawText(box, Qt::AlignRight | Qt::AlignBottom,
                          bold.elidedText(words, Qt::ElideRight, above.width()));
    };
    if (!lines.second.isEmpty()) {
        line(above.adjusted(0, 0, 0, -bold.height()), lines.first);
        line(above, lines.second);
    } else {
        line(above, lines.first);
    }
    painter->setFont(theme.small());
    painter->setPen(theme.muted);
    painter->drawText(
        text, Qt::AlignRight | Qt::AlignBottom,
        small.elidedText(ask(ComparisonModel::stateRole).toString(), Qt::ElideRight, text.width()));
    const bool pinned = ask(ComparisonModel::referenceRole).toBool();
    painter->setPen(pinned ? QPen(theme.primary, 3) : QPen(theme.border));
    painter->drawLine(area.bottomLeft(), area.bottomRight());
    if (section == aim_) {
        painter->setPen(QPen(theme.kept, 2));
        painter->drawRect(area.adjusted(1, 1, -2, -2));
    }
    painter->restore();
}

FigureHeader::FigureHeader(QWidget* parent) : QHeaderView(Qt::Vertical, parent) {
    setSectionResizeMode(QHeaderView::Fixed);
    setHighlightSections(false);
    setDefaultSectionSize(QFontMetrics(Theme::current().body()).height() + 8);
}

QSize FigureHeader::sectionSizeFromContents(int section) const {
    const QFontMetrics metrics(Theme::current().small());
    const QString text = model()->headerData(section, orientation(), Qt::DisplayRole).toString();
    return {metrics.horizontalAdvance(text) + inset + 2, defaultSectionSize()};
}

void FigureHeader::paintSection(QPainter* painter, const QRect& area, int section) const {
    const Theme& theme = Theme::current();
    painter->save();
    painter->fillRect(area, theme.surface);
    painter->setFont(theme.small());
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
    return {static_cast<int>(std::ceil(width)) + 2 * inset, QFontMetrics(theme.body()).height() + 8};
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
