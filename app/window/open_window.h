// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kurtoscope {

// Shows the window until it is closed. Returns the exit code: 0, 1 when a screenshot was asked for and
// something failed, 2 for arguments that cannot be understood.
int openWindow(int argc, char** argv);

} // namespace kurtoscope
