// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QString>
#include <QWidget>

#include <vector>

namespace kurtoscope {

// Lines of "what … figure", the figures in a column at the right, each with a tooltip that gives its formula.
class KURTOSCOPE_WIDGETS_API FactList : public QWidget {
    Q_OBJECT
public:
    struct Fact {
        QString what, figure, tip;
    };
    explicit FactList(QWidget* parent = nullptr);
    void setFacts(std::vector<Fact> facts);
    const std::vector<Fact>& facts() const { return facts_; }
    QString text() const; // tab-separated, for the clipboard
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {140, sizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    int lineHeight() const;
    std::vector<Fact> facts_;
};

} // namespace kurtoscope
