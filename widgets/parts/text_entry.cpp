// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/text_entry.h"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>

namespace kurtoscope {

TextEntry::TextEntry(const QString& placeholder, const QString& tip, bool mayBeEmpty, QWidget* parent)
    : QWidget(parent), mayBeEmpty_(mayBeEmpty) {
    line_ = new QLineEdit(this);
    line_->setPlaceholderText(placeholder);
    line_->setAccessibleName(tr("Text to run through the model"));
    line_->setClearButtonEnabled(true);
    run_ = new QPushButton(tr("Run"), this);
    run_->setToolTip(tip);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(line_, 1);
    row->addWidget(run_);
    connect(line_, &QLineEdit::returnPressed, run_, &QPushButton::click);
    connect(line_, &QLineEdit::textChanged, this, &TextEntry::enable);
    connect(run_, &QPushButton::clicked, this, [this] {
        shown_ = line_->text().trimmed();
        emit textRun(shown_);
    });
    enable();
}

void TextEntry::enable() {
    run_->setEnabled(mayBeEmpty_ || !line_->text().trimmed().isEmpty());
}

void TextEntry::setText(const QString& text) {
    if (text == shown_) return;
    const bool typing = line_->text().trimmed() != shown_;
    shown_ = text;
    if (!typing) line_->setText(text);
}

} // namespace kurtoscope
