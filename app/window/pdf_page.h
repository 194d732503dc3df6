// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace kurtoscope {

// A page of HTML for paper as a PDF in A4, written whole or not at all. Needs no display; where no
// application stands yet it makes one without. Throws Error.
void writePdfPage(const std::string& html, const std::string& path);

} // namespace kurtoscope
