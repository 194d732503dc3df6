// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <string>

namespace kurtoscope {

// Tells whether a model or data file is the one that it was, without reading all of it: over the size, the
// first and the last MiB of the file, or, of a model folder, of its weights, configuration and tokenizer, by
// name. It finds a model that was replaced, not one that somebody changed to deceive. "" where nothing can be
// read.
KURTOSCOPE_API std::string fingerprint(const std::string& path);

} // namespace kurtoscope
