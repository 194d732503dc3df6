// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tensor_file.h"

#include "core/model/block_formats.h"

#include <algorithm>

namespace kurtoscope {

const char* storedTypeName(StoredType type) {
    switch (type) {
    case StoredType::F64: return "F64";
    case StoredType::F32: return "F32";
    case StoredType::F16: return "F16";
    case StoredType::BF16: return "BF16";
    case StoredType::I64: return "I64";
    case StoredType::I32: return "I32";
    case StoredType::I16: return "I16";
    case StoredType::I8: return "I8";
    case StoredType::U8: return "U8";
    case StoredType::BOOL: return "BOOL";
    case StoredType::Q8_0: return "Q8_0";
    case StoredType::Q4_0: return "Q4_0";
    case StoredType::Q4_1: return "Q4_1";
    case StoredType::Q5_0: return "Q5_0";
    case StoredType::Q5_1: return "Q5_1";
    case StoredType::Q2_K: return "Q2_K";
    case StoredType::Q3_K: return "Q3_K";
    case StoredType::Q4_K: return "Q4_K";
    case StoredType::Q5_K: return "Q5_K";
    case StoredType::Q6_K: return "Q6_K";
    }
    return "?";
}

std::int64_t StoredTensor::elements() const { return elementCount(shape).value_or(0); }

const StoredTensor* TensorFile::find(const std::string& name) const {
    const auto& all = tensors();
    const auto found = std::ranges::lower_bound(all, name, {}, &StoredTensor::name);
    return found != all.end() && found->name == name ? &*found : nullptr;
}

} // namespace kurtoscope
