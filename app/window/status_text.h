// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/workspace.h"

#include <QString>

namespace kurtoscope {

// The status line's halves: what is selected ("layers.12.attn_input, channel 247: absmax 11.63"), and what
// the active column keeps at that Place ("kept in attn_input: channels 247, 507 · 47 in all").
QString selectionText(const Workspace& workspace);
QString keptText(const Workspace& workspace);

} // namespace kurtoscope
