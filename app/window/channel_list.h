// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it
#include <QString>

#include "core/data/recipe.h"
#include "widgets/workspace.h"

#include <vector>

namespace kurtoscope {

// Where a list of channels is kept.
enum class KeepScope { site, place, residual };

// "507, 247, 17-20" as channels below `channels`, in order, each once. Throws Error naming the piece that is
// none.
QList<int> parseChannelList(const QString& text, int channels);

// Whether a channel index of this place's tensor is one of the residual stream: the stream itself, what is
// added to it and what a norm makes of it. Heads and the MLP's inside have indices of their own.
bool livesInResidualStream(Place place);

// The observed sites that `scope` means, seen from `from`, of those that `recipe` quantizes.
std::vector<Site> sitesIn(KeepScope scope, Site from, const Workspace& workspace, const Recipe& recipe);

} // namespace kurtoscope
