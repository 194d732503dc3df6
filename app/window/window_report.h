// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/commands/report_page.h"

#include <vector>

namespace kurtoscope {

class Session;
class View;

// What stands in the window as a report: the table, a picture of every view, recipes, versions, seed and
// hardware.
commands::Report windowReport(const Session& session, const std::vector<View*>& views);

} // namespace kurtoscope
