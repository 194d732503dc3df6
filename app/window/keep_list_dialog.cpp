// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/keep_list_dialog.h"

#include "core/base/error.h"
#include "widgets/figures.h"
#include "widgets/theme.h"

#include <QButtonGroup>
#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRadioButton>
#include <QVBoxLayout>

namespace kurtoscope {

KeepListDialog::KeepListDialog(const Workspace& workspace, const Recipe& recipe, QWidget* parent)
    : QDialog(parent), workspace_(workspace), recipe_(recipe), site_(workspace.site) {
    setWindowTitle(tr("Keep a list of channels"));
    const SiteStats* stats = workspace.stats(site_);
    width_ = stats ? stats->channels : 0;
    text_ = new QLineEdit(this);
    text_->setObjectName("channelList");
    text_->setAccessibleName(tr("Channels"));
    text_->setPlaceholderText(QStringLiteral("507, 247, 17-20"));
    text_->setMinimumWidth(420);
    if (workspace.channel >= 0) text_->setText(QString::number(workspace.channel));
    says_ = new QLabel(this);
    says_->setWordWrap(true);
    says_->setTextFormat(Qt::PlainText);
    says_->setMinimumHeight(2 * QFontMetrics(Theme::current().body()).lineSpacing());
    says_->setAlignment(Qt::AlignTop);

    auto* rows = new QVBoxLayout(this);
    rows->setContentsMargins(18, 16, 18, 14);
    rows->setSpacing(9);
    auto* label = new QLabel(
        tr("Channels 0 to %1 of %2, in numbers and ranges").arg(width_ - 1).arg(siteText(site_)), this);
    label->setBuddy(text_);
    rows->addWidget(label);
    rows->addWidget(text_);
    scopes_ = new QButtonGroup(this);
    const auto offer = [&](KeepScope scope, const QString& title) {
        auto* button = new QRadioButton(title, this);
        scopes_->addButton(button, static_cast<int>(scope));
        rows->addWidget(button);
        return button;
    };
    offer(KeepScope::site, tr("at this site only"))->setChecked(true);
    offer(KeepScope::place, tr("at %1 in all layers").arg(placeText(site_.place)));
    auto* residual =
        offer(KeepScope::residual, tr("wherever the residual stream's channel is quantized, in all layers"));
    if (!livesInResidualStream(site_.place)) {
        residual->setEnabled(false);
        residual->setToolTip(
            tr("The channels of %1 are not those of the residual stream").arg(placeText(site_.place)));
    }
    rows->addWidget(says_);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    keep_ = buttons->addButton(tr("Keep"), QDialogButtonBox::AcceptRole);
    keep_->setObjectName("keepList");
    keep_->setProperty("primary", true);
    keep_->setDefault(true);
    release_ = buttons->addButton(tr("Release"), QDialogButtonBox::ActionRole);
    release_->setObjectName("releaseList");
    rows->addWidget(buttons);
    connect(text_, &QLineEdit::textChanged, this, &KeepListDialog::recount);
    connect(scopes_, &QButtonGroup::idToggled, this, [this](int, bool on) {
        if (on) recount();
    });
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(release_, &QPushButton::clicked, this, [this] {
        keeps_ = false;
        accept();
    });
    recount();
    text_->selectAll();
}

KeepScope KeepListDialog::scope() const {
    return static_cast<KeepScope>(scopes_->checkedId());
}
void KeepListDialog::setText(const QString& text) {
    text_->setText(text);
}
void KeepListDialog::setScope(KeepScope scope) {
    scopes_->button(static_cast<int>(scope))->setChecked(true);
}
QString KeepListDialog::saysText() const {
    return says_->text();
}

QList<Site> KeepListDialog::sites() const {
    const auto sites = sitesIn(scope(), site_, workspace_, recipe_);
    return {sites.begin(), sites.end()};
}

void KeepListDialog::recount() {
    const QList<Site> where = sites();
    QString says;
    channels_.clear();
    std::int64_t kept = 0;
    try {
        channels_ = parseChannelList(text_->text(), width_);
        for (const Site site : where)
            for (const int channel : channels_)
                kept += recipe_.keeps(site, channel) ? 1 : 0;
        if (where.isEmpty())
            says = tr("The active column does not quantize this, so there is nothing to keep");
        else if (!channels_.isEmpty())
            says =
                (channels_.size() == 1 ? tr("1 channel") : tr("%1 channels").arg(grouped(channels_.size()))) +
                (where.size() == 1 ? tr(" at 1 site") : tr(" at %1 sites").arg(grouped(where.size()))) +
                tr(", %1 of these kept already").arg(grouped(kept));
    } catch (const Error& error) {
        says = QString::fromStdString(error.where() + ": " + error.message() + ". " + error.hint());
    }
    says_->setText(says);
    const std::int64_t all = where.size() * channels_.size();
    keep_->setEnabled(all > kept);
    release_->setEnabled(kept > 0);
    emit meant(where, channels_);
}

} // namespace kurtoscope
