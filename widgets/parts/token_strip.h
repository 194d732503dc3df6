// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QColor>
#include <QStringList>
#include <QWidget>

#include <vector>

namespace kurtoscope {

// Tokens as running text, each shaded by its value's share of the largest, or underlined as well. Click,
// arrows, Home and End choose one.
class KURTOSCOPE_WIDGETS_API TokenStrip : public QWidget {
    Q_OBJECT
public:
    struct Entry {
        QString text, tip;
        double share = 0; // 0…1
        int token = 0;    // what a click says
    };
    explicit TokenStrip(QWidget* parent = nullptr);
    void setEntries(std::vector<Entry> entries, const QColor& shade);
    void setCurrent(int token);
    void setUnderlined(bool on); // shading alone is hard to tell apart from far away
    int current() const { return current_; }
    QRect rectOf(int token) const; // null where it is not among the entries
    const std::vector<Entry>& entries() const { return entries_; }
    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override { return layOut(width, nullptr); }
    QSize sizeHint() const override { return {220, layOut(width() > 50 ? width() : 260, nullptr)}; }

signals:
    void tokenChosen(int token);
    void currentShown(QRect area); // for a scroll area to bring into view

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    bool event(QEvent* event) override;

private:
    int layOut(int width, std::vector<QRect>* boxes) const;
    int entryAt(QPoint at) const;

    std::vector<Entry> entries_;
    QColor shade_;
    int current_ = -1;
    bool underlined_ = false;
};

} // namespace kurtoscope
