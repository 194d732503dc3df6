// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/status_text.h"

#include "widgets/figures.h"

#include <QCoreApplication>
#include <QStringList>

namespace kurtoscope {
namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("StatusText", text);
}

constexpr int listedChannels = 6;

} // namespace

QString selectionText(const Workspace& workspace) {
    if (!workspace.model) return tr("No model is open");
    const SiteStats* stats = workspace.stats(workspace.site);
    if (!stats) return tr("%1, not observed yet").arg(siteText(workspace.site));
    const QString site = siteText(workspace.site);
    if (workspace.channel < 0 || workspace.channel >= stats->channels)
        return tr("%1: absmax %2").arg(site, figure(stats->siteAbsmax, 4));
    const auto channel = static_cast<std::size_t>(workspace.channel);
    return tr("%1, channel %2: absmax %3")
        .arg(site)
        .arg(workspace.channel)
        .arg(figure(stats->absmax[channel], 4));
}

QString keptText(const Workspace& workspace) {
    const Column* column = workspace.activeColumn();
    if (!workspace.model || !column || column->recipe.scheme == "fp32") return {};
    if (column->recipe.kept.empty()) return tr("%1 keeps no channel").arg(column->name);
    std::set<int> here;
    for (const auto& [site, channels] : column->recipe.kept)
        if (site.place == workspace.site.place) here.insert(channels.begin(), channels.end());
    const QString place = placeText(workspace.site.place);
    if (here.empty()) return tr("no channel kept in %1").arg(place);
    QStringList names;
    for (const int channel : here) {
        if (names.size() == listedChannels) {
            names << QStringLiteral("…");
            break;
        }
        names << QString::number(channel);
    }
    return tr("kept in %1, any layer: %2").arg(place, names.join(", "));
}

} // namespace kurtoscope
