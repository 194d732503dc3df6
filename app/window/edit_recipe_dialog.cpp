// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/edit_recipe_dialog.h"

#include "core/base/error.h"
#include "core/workbench.h"
#include "widgets/theme.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace kurtoscope {
namespace {

QString joined(const std::vector<std::string>& words) {
    QStringList list;
    for (const auto& word : words)
        list << QString::fromStdString(word);
    return list.join('|');
}

// "activation=per-tensor|per-token", one key of the scheme on each line.
QString keysOf(const std::string& scheme) {
    const auto schemes = Workbench::schemes();
    const auto found = std::ranges::find(schemes, scheme, &SchemeInfo::id);
    if (found == schemes.end()) return {};
    QStringList lines;
    for (const auto& parameter : found->parameters)
        lines << QString::fromStdString(parameter.id) + '=' +
                     (parameter.kind == ParameterInfo::Kind::text ? QString::fromStdString(parameter.help)
                      : parameter.choices.empty() ? QString("%1…%2").arg(parameter.low).arg(parameter.high)
                                                  : joined(parameter.choices));
    lines << "scope=linear-inputs|all-activations"
          << "keep=auto|ratio:20|top:4|magnitude:6|sigma:6"
          << "samples=1…";
    return lines.join('\n');
}

} // namespace

EditRecipeDialog::EditRecipeDialog(const QString& column, const Recipe& recipe, QWidget* parent)
    : QDialog(parent), before_(recipe), recipe_(recipe) {
    setWindowTitle(tr("Recipe of %1").arg(column));
    text_ = new QLineEdit(QString::fromStdString(recipe.text()), this);
    text_->setObjectName("recipeText");
    text_->setAccessibleName(tr("Recipe"));
    text_->setMinimumWidth(560);
    says_ = new QLabel(this);
    says_->setObjectName("recipeSays");
    says_->setWordWrap(true);
    says_->setTextFormat(Qt::PlainText);
    says_->setFont(Theme::current().small());
    says_->setAlignment(Qt::AlignTop);
    says_->setMinimumHeight(QFontMetrics(Theme::current().small()).lineSpacing() * 9);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    change_ = buttons->addButton(tr("Change"), QDialogButtonBox::AcceptRole);
    change_->setObjectName("change");
    change_->setProperty("primary", true);
    change_->setDefault(true);
    auto* rows = new QVBoxLayout(this);
    rows->setContentsMargins(18, 16, 18, 14);
    rows->setSpacing(9);
    rows->addWidget(new QLabel(tr("scheme[:key=value,…][+scheme…], or a recipe file"), this));
    rows->addWidget(text_);
    rows->addWidget(says_, 1);
    rows->addWidget(buttons);
    connect(text_, &QLineEdit::textChanged, this, &EditRecipeDialog::check);
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

void EditRecipeDialog::check() {
    complaint_.clear();
    try {
        Recipe recipe = Recipe::parse(text_->text().trimmed().toStdString());
        Workbench::checkWords(recipe);
        if (!recipe.isFp32()) { // which has nothing to keep
            if (recipe.kept.empty()) recipe.kept = before_.kept;
            if (recipe.highPrecision.empty()) recipe.highPrecision = before_.highPrecision;
        }
        recipe_ = std::move(recipe);
        says_->setText(keysOf(recipe_.scheme));
    } catch (const Error& error) {
        complaint_ = QString::fromStdString(error.message());
        QStringList parts{complaint_, QString::fromStdString(error.where()),
                          QString::fromStdString(error.hint())};
        parts.removeAll(QString());
        says_->setText(parts.join('\n'));
    }
    change_->setEnabled(complaint_.isEmpty());
}

} // namespace kurtoscope
