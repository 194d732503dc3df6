// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/header_bar.h"

#include "widgets/parts/chip.h"
#include "widgets/theme.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>

#include <algorithm>
#include <array>
#include <cmath>

namespace kurtoscope {
namespace {

QString timeLeft(double seconds) {
    if (seconds < 0 || !std::isfinite(seconds)) return {};
    if (seconds < 90) return HeaderBar::tr(" · %1 s left").arg(std::max(1.0, std::ceil(seconds)), 0, 'f', 0);
    if (seconds < 5400) return HeaderBar::tr(" · %1 min left").arg(std::ceil(seconds / 60), 0, 'f', 0);
    return HeaderBar::tr(" · %1 h left").arg(seconds / 3600, 0, 'f', 1);
}

QToolButton* framed(const QString& text, const QString& name, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setObjectName("framed");
    button->setText(text);
    button->setAccessibleName(name);
    button->setEnabled(false);
    return button;
}

} // namespace

HeaderBar::HeaderBar(QWidget* parent) : QWidget(parent) {
    name_ = new QLabel("Kurtoscope", this);
    model_ = new Chip(this);
    data_ = new Chip(this);
    device_ = new Chip(this);
    progress_ = new QLabel(this);
    progress_->setProperty("muted", true);
    progress_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    bar_ = new QProgressBar(this);
    bar_->setTextVisible(false);
    bar_->setFixedSize(150, 8);
    bar_->setAccessibleName(tr("Progress"));
    stop_ = new QPushButton(QStringLiteral("■ ") + tr("Stop"), this);
    stop_->setToolTip(tr("Stop what is being computed (Ctrl+.)"));
    undo_ = framed(QStringLiteral("↶"), tr("Undo"), this);
    redo_ = framed(QStringLiteral("↷"), tr("Redo"), this);
    keep_ = new QPushButton(tr("Keep outliers…"), this);
    keep_->setToolTip(tr("Keep all channels that meet a criterion in high precision, in the active recipe"));
    export_ = new QPushButton(tr("Export…"), this);
    export_->setObjectName("exportButton");
    export_->setProperty("primary", true);
    export_->setToolTip(
        tr("Write the active recipe, or the model under it, as other software loads it (Ctrl+E)"));
    export_->setEnabled(false);
    data_->setToolTip(tr("Open another text or data file (Ctrl+D)"));
    device_->setToolTip(tr("Where the model runs"));

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 7, 12, 7);
    row->setSpacing(10);
    row->addWidget(name_);
    row->addSpacing(4);
    for (Chip* chip : {model_, data_, device_})
        row->addWidget(chip);
    row->addStretch(1);
    row->addWidget(progress_);
    row->addWidget(bar_);
    for (QWidget* button : std::initializer_list<QWidget*>{stop_, undo_, redo_, keep_, export_})
        row->addWidget(button);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);

    connect(model_, &QAbstractButton::clicked, this, &HeaderBar::openModelAsked);
    connect(data_, &QAbstractButton::clicked, this, &HeaderBar::openDataAsked);
    connect(device_, &QAbstractButton::clicked, this, &HeaderBar::deviceAsked);
    connect(stop_, &QPushButton::clicked, this, &HeaderBar::stopAsked);
    connect(undo_, &QToolButton::clicked, this, &HeaderBar::undoAsked);
    connect(redo_, &QToolButton::clicked, this, &HeaderBar::redoAsked);
    connect(keep_, &QPushButton::clicked, this, &HeaderBar::keepOutliersAsked);
    connect(export_, &QPushButton::clicked, this, &HeaderBar::exportAsked);
    setModel({}, {});
    setData({}, {});
    setDevice({});
    setUndo(false, {});
    setRedo(false, {});
    setIdle();
    applyTheme();
}

void HeaderBar::applyTheme() {
    const Theme& theme = Theme::current();
    name_->setFont(theme.font(theme.fontSize + 2, true));
    progress_->setFont(theme.body());
    fit();
    update();
}

// Gives every chip its natural width while there is room; where there is not, details go first, the device's
// before the data's before the model's, then names in the same order.
void HeaderBar::fit() {
    if (!isVisible()) return; // fonts are settled when it is shown, which fits again
    auto* row = layout();
    int room = width() - row->contentsMargins().left() - row->contentsMargins().right();
    const std::array<Chip*, 3> chips{device_, data_, model_};
    int items = 0;
    for (int i = 0; i < row->count(); ++i) {
        const QWidget* widget = row->itemAt(i)->widget();
        const bool isChip = std::ranges::find(chips, widget) != chips.end();
        if (widget && widget->isHidden()) continue;
        if (widget) ++items;
        if (!isChip) room -= row->itemAt(i)->sizeHint().width();
    }
    room -= row->spacing() * items;
    int missing = -room;
    for (const Chip* chip : chips)
        if (!chip->isHidden()) missing += chip->sizeHint().width();
    std::array<int, 3> widths{};
    for (std::size_t i = 0; i < chips.size(); ++i) {
        const int natural = chips[i]->sizeHint().width();
        const int cut = chips[i]->isHidden() ? 0 : std::clamp(missing, 0, natural - chips[i]->nameWidth());
        widths[i] = natural - cut;
        missing -= cut;
    }
    for (std::size_t i = 0; i < chips.size(); ++i) {
        const int cut =
            chips[i]->isHidden()
                ? 0
                : std::clamp(missing, 0, std::max(0, widths[i] - chips[i]->minimumSizeHint().width()));
        chips[i]->setMaximumWidth(widths[i] - cut);
        missing -= cut;
    }
    if (missing > 0 && !said_.isEmpty()) { // what is still missing is taken from the sentence
        const int wide = std::max(40, progress_->minimumWidth() - missing);
        progress_->setMinimumWidth(wide);
        progress_->setText(progress_->fontMetrics().elidedText(said_, Qt::ElideMiddle, wide));
        progress_->setToolTip(said_);
    }
}

void HeaderBar::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    fit();
}

void HeaderBar::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    fit();
}

void HeaderBar::setModel(const QString& name, const QString& details, const QString& help) {
    model_->setWords(name.isEmpty() ? tr("Open a model…") : name, details);
    model_->setAccessibleName(tr("Model"));
    const QString act = tr("Open another model (Ctrl+O)");
    model_->setToolTip(help.isEmpty() ? act : help + QStringLiteral("\n") + act);
    fit();
}

void HeaderBar::setData(const QString& name, const QString& details) {
    data_->setWords(name.isEmpty() ? tr("Open data…") : name, details);
    data_->setAccessibleName(tr("Data"));
    fit();
}

void HeaderBar::setDevice(const QString& name, const QString& details) {
    device_->setWords(name, details);
    device_->setAccessibleName(tr("Device"));
    device_->setVisible(!name.isEmpty());
    fit();
}

void HeaderBar::setProgress(const QString& text, double fraction, double secondsLeft) {
    said_ = text + timeLeft(secondsLeft);
    progress_->setText(said_);
    // Only grows until idle: nothing else moves while the seconds count down.
    progress_->setMinimumWidth(std::max(progress_->minimumWidth(), progress_->sizeHint().width()));
    bar_->setRange(0, fraction < 0 ? 0 : 1000);
    if (fraction >= 0) bar_->setValue(static_cast<int>(std::lround(std::min(1.0, fraction) * 1000)));
    bar_->setVisible(true);
    stop_->setEnabled(true);
    fit();
}

void HeaderBar::setIdle() {
    said_.clear();
    progress_->clear();
    progress_->setMinimumWidth(0);
    bar_->setVisible(false);
    stop_->setEnabled(false);
    fit();
}

void HeaderBar::setUndo(bool available, const QString& what) {
    undo_->setEnabled(available);
    undo_->setToolTip((what.isEmpty() ? tr("Undo") : tr("Undo: %1").arg(what)) + tr(" (Ctrl+Z)"));
}

void HeaderBar::setRedo(bool available, const QString& what) {
    redo_->setEnabled(available);
    redo_->setToolTip((what.isEmpty() ? tr("Redo") : tr("Redo: %1").arg(what)) + tr(" (Ctrl+Shift+Z)"));
}

void HeaderBar::setExportEnabled(bool on) {
    export_->setEnabled(on);
}

void HeaderBar::setKeepOutliersEnabled(bool on) {
    keep_->setEnabled(on);
}
QString HeaderBar::progressText() const {
    return said_;
}

void HeaderBar::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && keep_) applyTheme();
}

void HeaderBar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), Theme::current().surface);
    painter.setPen(Theme::current().border);
    painter.drawLine(rect().bottomLeft(), rect().bottomRight());
}

} // namespace kurtoscope
