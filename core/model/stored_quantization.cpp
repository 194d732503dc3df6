// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/stored_quantization.h"

#include <algorithm>

namespace kurtoscope {

template <>
Registry<CheckpointReader>& Registry<CheckpointReader>::instance() {
    static Registry<CheckpointReader> registry;
    return registry;
}

DecodedTensors::DecodedTensors(std::shared_ptr<const TensorFile> file, std::vector<StoredTensor> tensors)
    : file_(std::move(file)), tensors_(std::move(tensors)) {
    std::ranges::sort(tensors_, {}, &StoredTensor::name);
}

} // namespace kurtoscope
