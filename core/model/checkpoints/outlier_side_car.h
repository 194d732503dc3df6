// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tensor_file.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kurtoscope {

// The columns of one weight that stand beside the checkpoint in floating point.
struct OutlierColumns {
    std::vector<int> channels; // ascending
    StoredTensor values;       // [out, channels]
    std::shared_ptr<const TensorFile> file;
};

// outlier_channels.json and its safetensors file, as an export writes them (resources/export).
class OutlierSideCar {
public:
    // Null where the folder has none. Throws Error naming the key that is wrong.
    static std::unique_ptr<const OutlierSideCar> open(const std::filesystem::path& folder);
    std::shared_ptr<const OutlierColumns> find(const std::string& module) const; // null: none of it
    std::vector<std::string> modules() const;

private:
    std::map<std::string, std::shared_ptr<const OutlierColumns>> columns_;
};

// `weight` [out, in] with those columns in place of its own. Throws Error where they do not fit.
std::shared_ptr<const TensorDecoder> withColumns(std::shared_ptr<const TensorDecoder> weight,
                                                 const std::vector<std::int64_t>& shape,
                                                 std::shared_ptr<const OutlierColumns> columns,
                                                 const std::string& module);

} // namespace kurtoscope
