// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/edit_recipe_dialog.h"

#include "app/window/recipe_form.h"
#include "core/base/error.h"
#include "core/workbench.h"
#include "widgets/theme.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QVBoxLayout>

namespace kurtoscope {
namespace {

// What the text does not show.
QString staysText(const Recipe& recipe) {
    QStringList parts;
    if (const auto kept = recipe.keptCount(); kept > 0)
        parts << EditRecipeDialog::tr("%1 channels stay kept").arg(kept);
    if (!recipe.highPrecision.empty())
        parts << EditRecipeDialog::tr("%1 sites stay in high precision").arg(recipe.highPrecision.size());
    if (!recipe.bits.empty())
        parts << EditRecipeDialog::tr("%1 sites keep bits of their own").arg(recipe.bits.size());
    return parts.join(QStringLiteral(" · "));
}

} // namespace

EditRecipeDialog::EditRecipeDialog(const QString& column, const Recipe& recipe, QWidget* parent)
    : QDialog(parent), before_(recipe), recipe_(recipe) {
    setWindowTitle(tr("Recipe of %1").arg(column));
    form_ = new RecipeForm(this);
    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(form_);
    scroll->viewport()->setAutoFillBackground(false);
    form_->setAutoFillBackground(false);
    scroll->setMinimumSize(820, 420);
    text_ = new QLineEdit(QString::fromStdString(recipe.text()), this);
    text_->setObjectName("recipeText");
    text_->setAccessibleName(tr("Recipe as text"));
    text_->setToolTip(tr("scheme[:key=value,…][+scheme…], or a recipe file"));
    says_ = new QLabel(this);
    says_->setObjectName("recipeSays");
    says_->setWordWrap(true);
    says_->setTextFormat(Qt::PlainText);
    says_->setFont(Theme::current().small());
    says_->setAlignment(Qt::AlignTop);
    says_->setMinimumHeight(QFontMetrics(Theme::current().small()).lineSpacing() * 2);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    change_ = buttons->addButton(tr("Change"), QDialogButtonBox::AcceptRole);
    change_->setObjectName("change");
    change_->setProperty("primary", true);
    change_->setDefault(true);
    auto* rows = new QVBoxLayout(this);
    rows->setContentsMargins(18, 16, 18, 14);
    rows->setSpacing(9);
    rows->addWidget(scroll, 1);
    auto* line = new QHBoxLayout;
    auto* label = new QLabel(tr("As text"), this);
    label->setBuddy(text_);
    line->addWidget(label);
    line->addWidget(text_, 1);
    rows->addLayout(line);
    rows->addWidget(says_);
    rows->addWidget(buttons);
    connect(text_, &QLineEdit::textChanged, this, &EditRecipeDialog::check);
    connect(form_, &RecipeForm::changed, this, &EditRecipeDialog::takeForm);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    check();
}

void EditRecipeDialog::setText(const QString& text) {
    text_->setText(text);
}

QString EditRecipeDialog::complaint() const {
    return complaint_;
}

void EditRecipeDialog::takeForm() {
    const QSignalBlocker quiet(text_);
    text_->setText(QString::fromStdString(form_->recipe().text()));
    take([this] { return form_->recipe(); });
}

void EditRecipeDialog::check() {
    take([this] {
        Recipe recipe = Recipe::parse(text_->text().trimmed().toStdString());
        if (recipe.isFp32()) return recipe; // which has nothing to keep
        if (recipe.kept.empty()) recipe.kept = before_.kept;
        if (recipe.highPrecision.empty()) recipe.highPrecision = before_.highPrecision;
        if (recipe.bits.empty()) recipe.bits = before_.bits;
        return recipe;
    });
}

void EditRecipeDialog::take(const std::function<Recipe()>& read) {
    complaint_.clear();
    try {
        Recipe recipe = read();
        Workbench::checkWords(recipe);
        recipe_ = std::move(recipe);
        says_->setText(staysText(recipe_));
        form_->setRecipe(recipe_);
    } catch (const Error& error) {
        complaint_ = QString::fromStdString(error.message());
        QStringList parts{complaint_, QString::fromStdString(error.where()),
                          QString::fromStdString(error.hint())};
        parts.removeAll(QString());
        says_->setText(parts.join(QStringLiteral(". ")));
    }
    QPalette ink = says_->palette();
    ink.setColor(QPalette::WindowText,
                 complaint_.isEmpty() ? Theme::current().muted : Theme::current().problem);
    says_->setPalette(ink);
    change_->setEnabled(complaint_.isEmpty());
}

} // namespace kurtoscope
