// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/channel_list.h"

#include "app/window/choice.h"
#include "core/base/error.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include <set>

namespace kurtoscope {
namespace {

[[noreturn]] void fail(const QString& what, const QString& piece) {
    throw Error(what.toStdString(), '"' + piece.toStdString() + '"',
                QCoreApplication::translate("ChannelList", "Write numbers and ranges, like 507, 247, 17-20")
                    .toStdString());
}

int numberOf(const QString& digits, const QString& piece, int channels) {
    bool fits = false;
    const int number = digits.toInt(&fits);
    if (!fits || number >= channels)
        fail(QCoreApplication::translate("ChannelList", "the site has channels 0 to %1, got %2")
                 .arg(channels - 1)
                 .arg(digits),
             piece);
    return number;
}

} // namespace

QList<int> parseChannelList(const QString& text, int channels) {
    static const QRegularExpression separators("[\\s,;]+"), spacedDash("\\s*[-–]\\s*"),
        form("^(\\d+)(?:-(\\d+))?$");
    std::set<int> all;
    const QStringList pieces = QString(text).replace(spacedDash, "-").split(separators, Qt::SkipEmptyParts);
    for (const QString& piece : pieces) {
        const auto match = form.match(piece);
        if (!match.hasMatch())
            fail(QCoreApplication::translate("ChannelList", "a channel or a range was expected"), piece);
        const int first = numberOf(match.captured(1), piece, channels);
        const int last = match.captured(2).isEmpty() ? first : numberOf(match.captured(2), piece, channels);
        if (last < first)
            fail(QCoreApplication::translate("ChannelList", "a range goes from the smaller to the larger"),
                 piece);
        for (int channel = first; channel <= last; ++channel)
            all.insert(channel);
    }
    return {all.begin(), all.end()};
}

bool livesInResidualStream(Place place) {
    switch (place) {
    case Place::embedding:
    case Place::attn_input:
    case Place::attn_output:
    case Place::attn_residual:
    case Place::attn_norm:
    case Place::mlp_input:
    case Place::mlp_output:
    case Place::mlp_residual:
    case Place::mlp_norm:
    case Place::final_norm:
        return true;
    default:
        return false;
    }
}

std::vector<Site> sitesIn(KeepScope scope, Site from, const Workspace& workspace, const Recipe& recipe) {
    std::vector<Site> sites;
    const Observation* seen = workspace.baseline();
    const SiteStats* here = workspace.stats(from);
    if (!seen || !here) return sites;
    for (const auto& stats : seen->sites) {
        const bool meant = scope == KeepScope::site    ? stats.site == from
                           : scope == KeepScope::place ? stats.site.place == from.place
                                                       : livesInResidualStream(stats.site.place);
        if (meant && stats.channels == here->channels && quantizes(recipe, stats.site))
            sites.push_back(stats.site);
    }
    return sites;
}

} // namespace kurtoscope
