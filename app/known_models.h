// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/model_info.h"

#include <stop_token>
#include <string>
#include <vector>

namespace kurtoscope {

// Where models lie without being looked for: bundled with the program, fetched by set-up, the Hugging Face
// cache.
struct KnownFolder {
    std::string path, origin;
};
std::vector<KnownFolder> modelFolders();

std::vector<KnownModel> knownModels(std::stop_token stop = {}); // reads every one: seconds for a full cache
// The path of a model given as path or as a name from knownModels(). Throws Error when it is neither.
std::string modelPath(const std::string& pathOrName);
// A file of resources/, beside the sources or where it was installed. "" when it is not there.
std::string resourceFile(const std::string& name);

} // namespace kurtoscope
