// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/status_text.h"

#include "widgets/figures.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>
#include <set>
#include <vector>

namespace kurtoscope {
namespace {

struct Words {
    Q_DECLARE_TR_FUNCTIONS(StatusText)
};

constexpr int listedChannels = 6;

} // namespace

QString selectionText(const Workspace& workspace) {
    if (!workspace.model) return Words::tr("No model is open");
    const SiteStats* stats = workspace.stats(workspace.site);
    if (!stats) return Words::tr("%1, not observed yet").arg(siteText(workspace.site));
    const QString site = siteText(workspace.site);
    if (workspace.channel < 0 || workspace.channel >= stats->channels)
        return Words::tr("%1: absmax %2").arg(site, figure(stats->siteAbsmax, 4));
    const auto channel = static_cast<std::size_t>(workspace.channel);
    const Column* column = workspace.activeColumn();
    std::vector<float> sorted = stats->absmax;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    QString text = Words::tr("%1, channel %2: absmax %3")
                       .arg(site)
                       .arg(workspace.channel)
                       .arg(figure(stats->absmax[channel], 4));
    if (*middle > 0)
        text += Words::tr(", %1 × the median channel").arg(figure(stats->absmax[channel] / *middle));
    if (column && column->recipe.keeps(workspace.site, workspace.channel)) text += Words::tr(" · kept");
    return text;
}

QString keptText(const Workspace& workspace) {
    const Column* column = workspace.activeColumn();
    if (!workspace.model || !column || column->recipe.isFp32()) return {};
    if (column->recipe.kept.empty()) return Words::tr("%1 keeps no channel").arg(column->name);
    std::set<int> here;
    for (const auto& [site, channels] : column->recipe.kept)
        if (site.place == workspace.site.place) here.insert(channels.begin(), channels.end());
    if (here.empty()) return Words::tr("no channel kept at %1").arg(placeText(workspace.site.place));
    QStringList names;
    for (const int channel : here) {
        if (names.size() == listedChannels) {
            names << QStringLiteral("…");
            break;
        }
        names << QString::number(channel);
    }
    return Words::tr("kept at this Place in all layers: %1").arg(names.join(", "));
}

} // namespace kurtoscope
