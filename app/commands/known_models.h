// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/model_info.h"

#include <string>
#include <vector>

namespace kurtoscope::commands {

// Where models lie without being looked for: bundled with the program, fetched by set-up, the Hugging Face
// cache.
struct ModelFolder {
    std::string path, origin;
};
std::vector<ModelFolder> modelFolders();

std::vector<KnownModel> knownModels();
// The path of a model given as path or as a name from knownModels(). Throws Error when it is neither.
std::string modelPath(const std::string& pathOrName);
// A file of resources/, beside the sources or where it was installed. "" when it is not there.
std::string resourceFile(const std::string& name);

} // namespace kurtoscope::commands
