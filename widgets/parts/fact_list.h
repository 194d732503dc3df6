// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QString>
#include <QWidget>

#include <vector>

namespace kurtoscope {

// Lines of "what … figure", the figures in a column at the right, each with a tooltip that gives its formula.
// Where a line leads somewhere it can be clicked, or walked to with the arrows and chosen with Enter.
class KURTOSCOPE_WIDGETS_API FactList : public QWidget {
    Q_OBJECT
public:
    struct Fact {
        QString what, figure, tip;
    };
    explicit FactList(QWidget* parent = nullptr);
    void setFacts(std::vector<Fact> facts);
    const std::vector<Fact>& facts() const { return facts_; }
    void setLeads(bool leads); // whether lines can be chosen
    QRect rectOf(int line) const;
    QString text() const; // tab-separated, for the clipboard
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {140, sizeHint().height()}; }

signals:
    void factChosen(int line);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    bool event(QEvent* event) override;

private:
    int lineHeight() const;
    int lineAt(QPointF at) const; // -1: none
    void aimAt(int line);
    std::vector<Fact> facts_;
    int aim_ = -1; // the line under the pointer, or that the arrows are at
    bool leads_ = false;
};

} // namespace kurtoscope
