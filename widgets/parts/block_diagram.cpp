// SPDX-License-Identifier: GPL-3.0-or-later
// What a layer's drawing answers: where its taps lie, and which one was meant. Its painting is next door.
#include "widgets/parts/block_diagram.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QToolTip>

#include <algorithm>
#include <utility>

namespace kurtoscope {

using Kind = BlockStep::Kind;

BlockDiagram::BlockDiagram(QWidget* parent) : QWidget(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void BlockDiagram::setPlan(std::vector<BlockStep> plan) {
    plan_ = std::move(plan);
    places_.clear();
    for (const BlockStep& step : plan_)
        if (step.kind == Kind::tap) places_.push_back(step.place);
    layOut();
}

void BlockDiagram::setLayer(int layer, int layers, int severityBefore) {
    layer_ = layer;
    layers_ = layers;
    severityBefore_ = severityBefore;
    update();
}

void BlockDiagram::setTaps(std::map<Place, Tap> taps) {
    taps_ = std::move(taps);
    update();
}

void BlockDiagram::setCurrent(std::optional<Place> place) {
    current_ = place && stepOf(*place) >= 0 ? place : std::nullopt;
    const auto tap = current_ ? taps_.find(*current_) : taps_.end();
    setAccessibleDescription(current_ ? placeText(*current_) +
                                            (tap == taps_.end() ? QString() : u' ' + tap->second.figure)
                                      : QString());
    update();
    if (current_) emit currentShown(rectOf(*current_));
}

void BlockDiagram::layOut() {
    rows_.clear();
    double y = 2;
    for (const BlockStep& step : plan_) {
        rows_.push_back({y, heightOf(step)});
        y += rows_.back().height;
    }
    updateGeometry();
    update();
}

// In lines of the type that is used, so that large type has room.
double BlockDiagram::heightOf(const BlockStep& step) const {
    const Theme& theme = Theme::current();
    switch (step.kind) {
    case Kind::tap:
        return theme.fontSize * 1.56;
    case Kind::norm:
    case Kind::open:
        return theme.smallSize * 1.5;
    case Kind::branch:
    case Kind::join:
        return theme.smallSize * 1.0;
    case Kind::close:
        return 4;
    case Kind::before:
    case Kind::after:
        return theme.smallSize * 1.5;
    }
    return 0;
}

double BlockDiagram::xOf(BlockStep::Track track) const {
    const double unit = Theme::current().fontSize;
    switch (track) {
    case BlockStep::Track::stream:
        return 0.9 * unit;
    case BlockStep::Track::branch:
        return 2.5 * unit;
    case BlockStep::Track::fan:
        return 3.9 * unit;
    }
    return 0;
}

QString BlockDiagram::gapWords(Kind kind) const {
    const int first = kind == Kind::before ? 0 : layer_ + 1;
    const int last = kind == Kind::before ? layer_ - 1 : layers_ - 1;
    return first > last    ? QString()
           : first == last ? tr("layer %1").arg(first)
                           : tr("layers %1 – %2").arg(first).arg(last);
}

int BlockDiagram::stepOf(Place place) const {
    for (std::size_t i = 0; i < plan_.size(); ++i)
        if (plan_[i].kind == Kind::tap && plan_[i].place == place) return static_cast<int>(i);
    return -1;
}

int BlockDiagram::severityOf(Place place) const {
    const auto tap = taps_.find(place);
    return tap == taps_.end() || !tap->second.known ? -1 : std::clamp(tap->second.severity, 0, 3);
}

QRect BlockDiagram::rectOf(Place place) const {
    const int step = stepOf(place);
    if (step < 0) return {};
    const Row& row = rows_[static_cast<std::size_t>(step)];
    return QRectF(0, row.top, width(), row.height).toAlignedRect();
}

QPointF BlockDiagram::dotOf(Place place) const {
    const int step = stepOf(place);
    if (step < 0) return {};
    const auto at = static_cast<std::size_t>(step);
    return {xOf(plan_[at].track), rows_[at].centre()};
}

bool BlockDiagram::isOnStream(Place place) const {
    const int step = stepOf(place);
    return step >= 0 && plan_[static_cast<std::size_t>(step)].track == BlockStep::Track::stream;
}

QSize BlockDiagram::sizeHint() const {
    const double bottom = rows_.empty() ? 0 : rows_.back().top + rows_.back().height + 2;
    return {200, static_cast<int>(bottom) + 1};
}

std::optional<Place> BlockDiagram::placeAt(int y) const {
    for (std::size_t i = 0; i < plan_.size(); ++i)
        if (plan_[i].kind == Kind::tap && y >= rows_[i].top && y < rows_[i].top + rows_[i].height)
            return plan_[i].place;
    return std::nullopt;
}

void BlockDiagram::choose(std::optional<Place> place) {
    if (!place) return;
    setCurrent(place);
    emit placeChosen(*place);
}

void BlockDiagram::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) choose(placeAt(event->pos().y()));
}

void BlockDiagram::mouseMoveEvent(QMouseEvent* event) {
    const auto over = placeAt(event->pos().y());
    if (std::exchange(hovered_, over) != over) update();
    setCursor(over ? Qt::PointingHandCursor : Qt::ArrowCursor);
}

void BlockDiagram::leaveEvent(QEvent*) {
    hovered_.reset();
    update();
}

void BlockDiagram::keyPressEvent(QKeyEvent* event) {
    if (places_.empty()) return QWidget::keyPressEvent(event);
    const auto found = current_ ? std::ranges::find(places_, *current_) : places_.end();
    const auto last = static_cast<std::ptrdiff_t>(places_.size()) - 1;
    const std::ptrdiff_t at = found == places_.end() ? -1 : found - places_.begin();
    const auto go = [&](std::ptrdiff_t to) {
        choose(places_[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(to, 0, last))]);
    };
    switch (event->key()) {
    case Qt::Key_Up:
        return go(at - 1);
    case Qt::Key_Down:
        return go(at + 1);
    case Qt::Key_Home:
        return go(0);
    case Qt::Key_End:
        return go(last);
    default:
        QWidget::keyPressEvent(event);
    }
}

bool BlockDiagram::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        if (const auto place = placeAt(help->pos().y()))
            if (const auto tap = taps_.find(*place); tap != taps_.end())
                QToolTip::showText(help->globalPos(), tap->second.tip, this, rectOf(*place));
        return true;
    }
    return QWidget::event(event);
}

void BlockDiagram::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) layOut();
    QWidget::changeEvent(event);
}

} // namespace kurtoscope
