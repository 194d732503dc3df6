// SPDX-License-Identifier: GPL-3.0-or-later
// The dialogs, worked by mouse and keyboard. With KURTOSCOPE_SHOTS=FOLDER their pictures are left there.
#include "app/window/edit_recipe_dialog.h"
#include "app/window/recipe_form.h"
#include "core/base/error.h"
#include "core/data/criterion.h"
#include "core/workbench.h"
#include "widgets/theme.h"

#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QDoubleSpinBox>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QTest>
#include <QToolButton>

using namespace kurtoscope;

namespace {

void leavePicture(QWidget& dialog, const QString& name) {
    const QString folder = qEnvironmentVariable("KURTOSCOPE_SHOTS");
    if (!folder.isEmpty()) dialog.grab().save(QDir(folder).filePath(name + ".png"));
}

void choose(QComboBox* box, const QString& id) {
    const int index = box->findData(id);
    if (index < 0) qFatal("no entry %s", qPrintable(id));
    box->setCurrentIndex(index);
    emit box->activated(index);
}

// The entry of a criterion, with the value that it begins with.
QString criterion(const QString& id) {
    for (const CriterionKind& kind : criterionKinds())
        if (kind.id == id) return QStringLiteral("%1:%2").arg(kind.id).arg(kind.usual);
    qFatal("no criterion %s", qPrintable(id));
}

bool offers(const QComboBox* box, const QString& id) {
    return qobject_cast<const QStandardItemModel*>(box->model())->item(box->findData(id))->isEnabled();
}

QString tipOf(const QComboBox* box, const QString& id) {
    return qobject_cast<const QStandardItemModel*>(box->model())->item(box->findData(id))->toolTip();
}

} // namespace

class TestWindowDialogs : public QObject {
    Q_OBJECT

    std::unique_ptr<EditRecipeDialog> dialog_;

    EditRecipeDialog& edit(const char* recipe) {
        dialog_ = std::make_unique<EditRecipeDialog>("mine", Recipe::parse(recipe));
        dialog_->show();
        return *dialog_;
    }
    template <class Control>
    Control* control(const char* name) {
        // A form that was built anew leaves its old controls until the event loop comes round.
        for (auto* one : dialog_->findChildren<Control*>(name))
            if (one->isVisibleTo(dialog_.get())) return one;
        qFatal("no control %s", name);
    }
    QString text() { return dialog_->findChild<QLineEdit*>("recipeText")->text(); }

private slots:
    void init() { Theme::use(Theme::load("light"), *qApp); }
    void cleanup() { dialog_.reset(); }

    void controlsChangeTheText() {
        edit("w8a8");
        choose(control<QComboBox>("parameter-activation"), "per-token");
        QCOMPARE(text(), "w8a8:activation=per-token");
        QTest::mouseClick(control<QCheckBox>("parameter-symmetric"), Qt::LeftButton, {}, QPoint(8, 8));
        QVERIFY2(text().contains("symmetric=off"), qPrintable(text()));
        QTest::mouseClick(control<QCheckBox>("parameter-symmetric"), Qt::LeftButton, {}, QPoint(8, 8));
        QCOMPARE(text(), "w8a8:activation=per-token"); // what is the default is left out
        choose(control<QComboBox>("scope"), "all-activations");
        control<QSpinBox>("samples")->setValue(3);
        choose(control<QComboBox>("keep"), criterion("top"));
        control<QDoubleSpinBox>("keepValue")->setValue(7);
        QCOMPARE(text(), "w8a8:activation=per-token,scope=all-activations,keep=top:7,samples=3");
        QVERIFY(dialog_->complaint().isEmpty());
        QCOMPARE(dialog_->recipe().samples, 3);
    }

    void textChangesTheControls() {
        edit("w8a8");
        dialog_->setText("gptq:bits=3,damping=0.05+w8a8:activation=per-token,scope=linear-inputs");
        QCOMPARE(dialog_->complaint(), "");
        QCOMPARE(control<QComboBox>("scheme-0")->currentData().toString(), "gptq");
        QCOMPARE(control<QComboBox>("scheme-1")->currentData().toString(), "w8a8");
        QCOMPARE(control<QComboBox>("parameter-bits")->currentText(), "3");
        QCOMPARE(control<QDoubleSpinBox>("parameter-damping")->value(), 0.05);
        QCOMPARE(control<QComboBox>("parameter-activation")->currentText(), "per-token");
        dialog_->setText("gptq:bits=3,dam"); // half typed: nothing moves
        QVERIFY(!dialog_->complaint().isEmpty());
        QVERIFY(!dialog_->findChild<QPushButton*>("change")->isEnabled());
        QCOMPARE(control<QComboBox>("scheme-1")->currentData().toString(), "w8a8");
    }

    void whatCannotBeCombinedIsGreyedWithTheReason() {
        edit("w8a8");
        auto* more = control<QComboBox>("combineWith");
        QVERIFY(offers(more, "kv-cache") && offers(more, "smoothquant"));
        QVERIFY(!offers(more, "fp32") && !offers(more, "w8a8"));
        QVERIFY2(tipOf(more, "fp32").contains("cannot be combined"), qPrintable(tipOf(more, "fp32")));
        QVERIFY2(tipOf(more, "w8a8").contains("twice"), qPrintable(tipOf(more, "w8a8")));
        choose(more, "kv-cache");
        QCOMPARE(text(), "w8a8+kv-cache");
        QVERIFY(!offers(control<QComboBox>("combineWith"), "kv-cache"));
        QVERIFY2(!offers(control<QComboBox>("scheme-0"), "kv-cache"), "it stands there already");
        QTest::mouseClick(control<QToolButton>("removePart-1"), Qt::LeftButton);
        QCOMPARE(text(), "w8a8");
    }

    // Whatever is offered is possible, and whatever is greyed is not.
    void everyOfferIsTrue() {
        for (const auto& scheme : Workbench::schemes()) {
            if (scheme.id == "head") continue; // nothing alone: no column can hold it
            edit(scheme.id.c_str());
            for (const auto* name : {"combineWith", "scheme-0"}) {
                const auto* box = control<QComboBox>(name);
                for (int i = 0; i < box->count(); ++i) {
                    const QString id = box->itemData(i).toString();
                    if (id.isEmpty() || id.toStdString() == scheme.id) continue;
                    const std::string recipe = QByteArray(name) == "scheme-0"
                                                   ? id.toStdString()
                                                   : scheme.id + "+" + id.toStdString();
                    bool possible = true;
                    try {
                        Workbench::checkWords(Recipe::parse(recipe));
                    } catch (const Error&) {
                        possible = false;
                    }
                    QVERIFY2(offers(box, id) == possible, recipe.c_str());
                }
            }
        }
    }

    // Each control of each scheme can be worked, is named and explained, and what it writes reads back.
    void everyParameterOfEverySchemeHasItsControl() {
        for (const auto& scheme : Workbench::schemes()) {
            for (const auto& parameter : scheme.parameters) {
                edit(scheme.id.c_str());
                auto* control = this->control<QWidget>(("parameter-" + parameter.id).c_str());
                QVERIFY2(!control->accessibleName().isEmpty() && !control->toolTip().isEmpty(),
                         (scheme.id + ":" + parameter.id).c_str());
                if (auto* number = qobject_cast<QSpinBox*>(control)) {
                    number->setValue(number->value() < number->maximum() ? number->value() + 1
                                                                         : number->minimum());
                } else if (auto* real = qobject_cast<QDoubleSpinBox*>(control)) {
                    real->setValue(real->value() + real->singleStep() <= real->maximum()
                                       ? real->value() + real->singleStep()
                                       : real->minimum());
                } else if (auto* box = qobject_cast<QComboBox*>(control)) {
                    for (int i = 0; i < box->count(); ++i) {
                        if (i == box->currentIndex() || !offers(box, box->itemData(i).toString())) continue;
                        choose(box, box->itemData(i).toString());
                        break;
                    }
                } else if (auto* on = qobject_cast<QCheckBox*>(control); on && on->isEnabled()) {
                    QTest::mouseClick(on, Qt::LeftButton, {}, QPoint(8, 8));
                }
                const Recipe again = Recipe::parse(text().toStdString());
                if (dialog_->complaint().isEmpty()) QVERIFY2(dialog_->recipe() == again, qPrintable(text()));
            }
        }
    }

    void whatTheTextDoesNotShowStays() {
        Recipe recipe = Recipe::parse("w8a8");
        recipe.setKept({0, Place::attn_input}, 5, true);
        recipe.bits[{1, Place::mlp_input}] = 4;
        recipe.highPrecision.insert({2, Place::mlp_input});
        dialog_ = std::make_unique<EditRecipeDialog>("mine", recipe);
        dialog_->setText("w8a8:activation=per-token");
        QVERIFY(dialog_->recipe().kept == recipe.kept);
        QVERIFY2(dialog_->recipe().bits == recipe.bits, "bits of single sites stay");
        QVERIFY(dialog_->recipe().highPrecision == recipe.highPrecision);
        dialog_->show();
        choose(control<QComboBox>("parameter-activation"), "per-tensor");
        QVERIFY(dialog_->recipe() == recipe);
    }

    void itLooksRightInBothThemes() {
        for (const char* theme : {"light", "dark"}) {
            Theme::use(Theme::load(theme), *qApp);
            edit("smoothquant+w8a8:activation=per-token,keep=ratio:20");
            QCoreApplication::processEvents();
            leavePicture(*dialog_, QString("edit-recipe-") + theme);
            QVERIFY(dialog_->width() <= 1280 && dialog_->height() <= 800);
        }
    }
};

QTEST_MAIN(TestWindowDialogs)
#include "test_window_dialogs.moc"
