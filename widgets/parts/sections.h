// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QScrollArea> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "widgets/export.h"

#include <initializer_list>

class QBoxLayout;
class QTabBar;

namespace kurtoscope {

// A view's page: a picture with a note under it that always stay, and sections, which stand below one another
// where there is room for all of them, else one at a time behind tabs. Beside the picture where it is wide.
// Scrolls only where one section alone is too tall.
class KURTOSCOPE_WIDGETS_API Sections : public QScrollArea {
    Q_OBJECT
public:
    Sections(QWidget* picture, QWidget* note, const QString& tabsName, QWidget* parent = nullptr);

    // Its parts from top to bottom; where there is room to spare, `grows` takes it. Returns its number.
    int add(const QString& title, std::initializer_list<QWidget*> parts, QWidget* grows = nullptr);
    void bringForward(int section);
    void setWhole(bool whole); // all of them at full height, for a picture
    bool isSpread() const { return spread_; }
    QWidget* section(int number) const { return sections_[number]; }
    QTabBar* tabs() const { return tabs_; }

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void fit();
    void showChosen();

    QWidget *page_ = nullptr, *picture_ = nullptr, *note_ = nullptr;
    QTabBar* tabs_ = nullptr;
    QBoxLayout *rows_ = nullptr, *column_ = nullptr;
    QList<QWidget*> sections_;
    bool spread_ = true, whole_ = false;
};

} // namespace kurtoscope
