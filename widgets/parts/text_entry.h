// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QString>
#include <QWidget>

class QLineEdit;
class QPushButton;

namespace kurtoscope {

// The line where a person types a text of their own, with its Run. Enter runs it too.
class KURTOSCOPE_WIDGETS_API TextEntry : public QWidget {
    Q_OBJECT
public:
    // `mayBeEmpty`: running an empty line asks for the data's first window.
    TextEntry(const QString& placeholder, const QString& tip, bool mayBeEmpty, QWidget* parent);
    void setText(const QString& text); // what runs now, unless the person is typing
    QLineEdit* line() const { return line_; }

signals:
    void textRun(QString text);

private:
    void enable();

    QLineEdit* line_ = nullptr;
    QPushButton* run_ = nullptr;
    QString shown_;
    bool mayBeEmpty_ = false;
};

} // namespace kurtoscope
