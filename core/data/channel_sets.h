// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/site.h"

#include <map>
#include <set>

namespace kurtoscope {

using ChannelSets = std::map<Site, std::set<int>>;

} // namespace kurtoscope
