// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tensor_file.h"

#include <memory>
#include <string>
#include <vector>

namespace kurtoscope {

// The tensors that make up one quantized weight; into a TensorFile that must outlive its decoder.
struct CompressedParts {
    std::string module, where; // for messages
    const StoredTensor* values = nullptr;
    const StoredTensor* scale = nullptr;
    const StoredTensor* zero = nullptr;        // null: symmetric
    const StoredTensor* shape = nullptr;       // of packed integers
    const StoredTensor* globalScale = nullptr; // NVFP4
    int bits = 8, group = 0;
    std::int64_t blockRows = 0, blockColumns = 0; // share a scale where they are not 0
    bool symmetric = true;
};

struct Decoded {
    std::vector<std::int64_t> shape; // [out, in]
    std::shared_ptr<const TensorDecoder> values;
};

// value = (q − zero) · scale, a scale for the weight, each row, or each group of a row. All throw Error
// naming the module where shapes or types do not fit.
Decoded makeIntegerDecoder(const CompressedParts& parts); // a byte for each
Decoded makePackedDecoder(const CompressedParts& parts);  // several to a 32-bit word, from its lowest bits on
Decoded makeFp8Decoder(const CompressedParts& parts);     // E4M3
Decoded makeFp4Decoder(const CompressedParts& parts); // two to a byte; scales E4M3 (NVFP4) or E8M0 (MXFP4)

} // namespace kurtoscope
