// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/message_bar.h"

#include "widgets/theme.h"

#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>

namespace kurtoscope {

MessageBar::MessageBar(QWidget* parent) : QWidget(parent) {
    const auto line = [this] {
        auto* label = new QLabel(this);
        label->setTextFormat(Qt::PlainText); // file names and model text are never markup
        label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        label->setWordWrap(true);
        return label;
    };
    what_ = line();
    where_ = line();
    hint_ = line();
    where_->setProperty("muted", true);
    close_ = new QToolButton(this);
    close_->setObjectName("framed");
    close_->setText(QStringLiteral("✕"));
    close_->setToolTip(tr("Dismiss (Esc)"));
    close_->setAccessibleName(tr("Dismiss"));
    action_ = new QPushButton(this);
    action_->setObjectName("messageAction");
    action_->setProperty("primary", true);
    action_->setAccessibleName(tr("Do what the message offers"));
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(14, 8, 10, 8);
    grid->setVerticalSpacing(1);
    grid->addWidget(what_, 0, 0);
    grid->addWidget(where_, 1, 0);
    grid->addWidget(hint_, 2, 0);
    grid->addWidget(action_, 0, 1, 3, 1, Qt::AlignVCenter);
    grid->addWidget(close_, 0, 2, 3, 1, Qt::AlignTop);
    grid->setHorizontalSpacing(12);
    grid->setColumnStretch(0, 1);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Maximum);
    setAccessibleName(tr("Message"));
    connect(action_, &QPushButton::clicked, this, [this] {
        hide();
        emit accepted();
    });
    connect(close_, &QToolButton::clicked, this, &MessageBar::dismiss);
    applyTheme();
    hide();
}

void MessageBar::applyTheme() {
    const Theme& theme = Theme::current();
    what_->setFont(theme.strong());
    where_->setFont(theme.small());
    hint_->setFont(theme.body());
    QPalette ink = what_->palette();
    ink.setColor(QPalette::WindowText, offer_ ? theme.text : theme.problem);
    what_->setPalette(ink);
    update();
}

void MessageBar::showError(const QString& what, const QString& where, const QString& hint) {
    offer_ = false;
    showParts(what, where, hint, {});
}

void MessageBar::showOffer(const QString& what, const QString& hint, const QString& action) {
    offer_ = true;
    showParts(what, {}, hint, action);
}

void MessageBar::showParts(const QString& what, const QString& where, const QString& hint,
                           const QString& action) {
    const auto set = [](QLabel* label, const QString& text) {
        label->setText(text);
        label->setVisible(!text.isEmpty());
    };
    set(what_, what);
    set(where_, where);
    set(hint_, hint);
    action_->setText(action);
    action_->setVisible(!action.isEmpty());
    applyTheme();
    setAccessibleDescription(text());
    show();
}

void MessageBar::dismiss() {
    if (isHidden()) return;
    hide();
    emit dismissed();
}

QString MessageBar::text() const {
    QStringList parts;
    for (const QLabel* label : {what_, where_, hint_})
        if (!label->text().isEmpty()) parts.append(label->text());
    return parts.join("\n");
}

void MessageBar::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), offer_ ? theme.primarySoft : theme.problemSoft);
    painter.fillRect(QRect(0, 0, 4, height()), offer_ ? theme.primary : theme.problem);
}

void MessageBar::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && close_) applyTheme();
}

void MessageBar::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape)
        dismiss();
    else
        QWidget::keyPressEvent(event);
}

} // namespace kurtoscope
