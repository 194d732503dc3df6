// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/keep_outliers_dialog.h"

#include "core/base/error.h"
#include "core/data/criterion.h"
#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QButtonGroup>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QRadioButton>
#include <QSignalBlocker>
#include <QSlider>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// The ends of a criterion's value and its decimals. Magnitudes are counted from 6 while the model is
// observed.
struct Range {
    double low, high;
    int decimals;
};
Range rangeOf(const CriterionKind& kind) {
    switch (kind.kind) {
    case Criterion::Kind::ratio:
        return {1, 10000, 1};
    case Criterion::Kind::magnitude:
        return {kind.usual, kind.usual, 1};
    case Criterion::Kind::sigma:
        return {1, 1000, 1};
    case Criterion::Kind::top:
        return {1, 4096, 0};
    }
    return {};
}

constexpr int sliderSteps = 400;
// The slider's end, where hardly a channel is left; the box beside it goes further.
double most(const Range& range) {
    return std::min(range.high, 1000.0);
}

const CriterionKind& chosen(const QComboBox* box) {
    return criterionKinds()[static_cast<std::size_t>(box->currentIndex())];
}

} // namespace

KeepOutliersDialog::KeepOutliersDialog(const QString& place, std::function<std::size_t(QString)> count,
                                       QWidget* parent)
    : KeepOutliersDialog(place, Count([count = std::move(count)](const QString& criterion, Where) {
                             return count(criterion);
                         }),
                         parent) {}

KeepOutliersDialog::KeepOutliersDialog(const QString& place, Count count, QWidget* parent)
    : QDialog(parent), count_(std::move(count)) {
    build(place);
    recount();
}

void KeepOutliersDialog::build(const QString& place) {
    setWindowTitle(tr("Keep outliers"));
    kind_ = new QComboBox(this);
    kind_->setAccessibleName(tr("Criterion"));
    for (const CriterionKind& kind : criterionKinds())
        kind_->addItem(tr(kind.title), QString(kind.id));
    value_ = new QDoubleSpinBox(this);
    value_->setAccessibleName(tr("Value of the criterion"));
    value_->setMinimumWidth(130);
    slider_ = new QSlider(Qt::Horizontal, this);
    slider_->setObjectName("criterionSlider");
    slider_->setAccessibleName(tr("Value of the criterion, from all to none"));
    slider_->setRange(0, sliderSteps);
    meaning_ = new QLabel(this);
    meaning_->setWordWrap(true);
    meaning_->setMinimumHeight(QFontMetrics(Theme::current().small()).lineSpacing() * 2);
    meaning_->setAlignment(Qt::AlignTop);
    meaning_->setFont(Theme::current().small());
    meaning_->setProperty("muted", true);
    found_ = new QLabel(this);
    found_->setFont(Theme::current().strong());
    auto* here = new QRadioButton(tr("only %1, in all layers").arg(place), this);
    auto* all = new QRadioButton(tr("all linear inputs"), this);
    where_ = new QButtonGroup(this);
    where_->addButton(here, static_cast<int>(Where::thisPlace));
    where_->addButton(all, static_cast<int>(Where::allLinearInputs));
    all->setChecked(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    keep_ = buttons->addButton(tr("Keep"), QDialogButtonBox::AcceptRole);
    keep_->setProperty("primary", true);
    keep_->setDefault(true);

    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(18, 16, 18, 14);
    grid->setHorizontalSpacing(10);
    grid->setVerticalSpacing(9);
    grid->addWidget(new QLabel(tr("Criterion"), this), 0, 0);
    grid->addWidget(kind_, 0, 1);
    grid->addWidget(value_, 0, 2);
    grid->addWidget(slider_, 1, 1, 1, 2);
    grid->addWidget(meaning_, 2, 1, 1, 2);
    grid->addWidget(new QLabel(tr("Where"), this), 3, 0);
    grid->addWidget(all, 3, 1, 1, 2);
    grid->addWidget(here, 4, 1, 1, 2);
    grid->addWidget(found_, 5, 1, 1, 2);
    grid->addWidget(buttons, 6, 0, 1, 3);
    grid->setColumnMinimumWidth(1, 220);

    const auto adopt = [this] {
        const CriterionKind& kind = chosen(kind_);
        const Range range = rangeOf(kind);
        const bool free = range.low < range.high;
        const QSignalBlocker quiet(value_);
        value_->setDecimals(range.decimals);
        value_->setRange(range.low, range.high);
        value_->setSuffix(kind.suffix);
        value_->setEnabled(free);
        value_->setValue(kind.usual);
        slider_->setEnabled(free);
        followValue();
        meaning_->setText(tr(kind.meaning) +
                          (free ? QString()
                                : tr(" Values are counted from %1 while the model is observed; for another "
                                     "magnitude write keep=magnitude:M into the column's recipe.")
                                      .arg(kind.usual)));
    };
    adopt();
    connect(kind_, &QComboBox::currentIndexChanged, this, [this, adopt] {
        adopt();
        recount();
    });
    connect(value_, &QDoubleSpinBox::valueChanged, this, [this] {
        followValue();
        recount();
    });
    connect(slider_, &QSlider::valueChanged, this, [this](int step) {
        const Range range = rangeOf(chosen(kind_));
        value_->setValue(range.low * std::pow(most(range) / range.low, double(step) / sliderSteps));
    });
    connect(where_, &QButtonGroup::idToggled, this, [this](int, bool on) {
        if (on) recount();
    });
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
}

void KeepOutliersDialog::followValue() {
    const Range range = rangeOf(chosen(kind_));
    const QSignalBlocker quiet(slider_);
    const double share = range.low < range.high
                             ? std::log(value_->value() / range.low) / std::log(most(range) / range.low)
                             : 0;
    slider_->setValue(static_cast<int>(std::lround(std::min(1.0, share) * sliderSteps)));
}

QString KeepOutliersDialog::criterion() const {
    return kind_->currentData().toString() + ":" + QString::number(value_->value(), 'g', 8);
}

KeepOutliersDialog::Where KeepOutliersDialog::where() const {
    return static_cast<Where>(where_->checkedId());
}
QString KeepOutliersDialog::countText() const {
    return found_->text();
}
void KeepOutliersDialog::setWhere(Where where) {
    where_->button(static_cast<int>(where))->setChecked(true);
}

void KeepOutliersDialog::setCriterion(const QString& criterion) {
    const QStringList parts = criterion.split(':');
    const int kind = kind_->findData(parts.value(0));
    if (kind < 0) return;
    kind_->setCurrentIndex(kind);
    bool number = false;
    const double value = parts.value(1).toDouble(&number);
    if (number) value_->setValue(value);
}

void KeepOutliersDialog::recount() {
    try {
        const std::size_t found = count_ ? count_(criterion(), where()) : 0;
        found_->setText(found == 1
                            ? tr("1 channel meets this")
                            : tr("%1 channels meet this").arg(grouped(static_cast<std::int64_t>(found))));
        keep_->setText(found == 0   ? tr("Keep")
                       : found == 1 ? tr("Keep 1 channel")
                                    : tr("Keep %1 channels").arg(grouped(static_cast<std::int64_t>(found))));
        keep_->setEnabled(found > 0);
    } catch (const Error& error) {
        found_->setText(QString::fromStdString(error.message()));
        keep_->setEnabled(false);
    }
    emit criterionChanged(criterion(), where());
}

} // namespace kurtoscope
