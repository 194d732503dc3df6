// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QDialog>

#include <functional>

class QButtonGroup;
class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QPushButton;
class QSlider;

namespace kurtoscope {

// Asks for a criterion and where it holds. The count beside it is live: `count` is asked at every change. A
// criterion reads as in recipes: "ratio:20", "magnitude:6", "sigma:6", "top:4".
class KURTOSCOPE_WIDGETS_API KeepOutliersDialog : public QDialog {
    Q_OBJECT
public:
    enum class Where { thisPlace, allLinearInputs };
    using Count =
        std::function<std::size_t(QString criterion, Where where)>; // may throw Error: shown, Keep disabled

    KeepOutliersDialog(const QString& place, std::function<std::size_t(QString criterion)> count,
                       QWidget* parent = nullptr);
    KeepOutliersDialog(const QString& place, Count count, QWidget* parent = nullptr);

    QString criterion() const;
    Where where() const;
    void setCriterion(const QString& criterion); // one of the forms above; others are left alone
    void setWhere(Where where);
    QString countText() const;

signals:
    void criterionChanged(QString criterion,
                          kurtoscope::KeepOutliersDialog::Where where); // to mark them on the maps

private:
    void build(const QString& place);
    void recount();
    void followValue(); // with the slider

    Count count_;
    QComboBox* kind_ = nullptr;
    QDoubleSpinBox* value_ = nullptr;
    QSlider* slider_ = nullptr;
    QLabel* meaning_ = nullptr;
    QLabel* found_ = nullptr;
    QButtonGroup* where_ = nullptr;
    QPushButton* keep_ = nullptr;
};

} // namespace kurtoscope
