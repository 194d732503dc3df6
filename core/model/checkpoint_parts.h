// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/matrix_decoder.h"
#include "core/model/stored_quantization.h"

#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// Tensors of a quantized checkpoint, looked up with the checks that a file which may be damaged needs. What
// it gives is counted as a part of some weight.
class CheckpointParts {
public:
    static constexpr std::int64_t any = -1; // of a dimension

    explicit CheckpointParts(std::shared_ptr<const TensorFile> file) : file_(std::move(file)) {}

    // Names of the modules that have a tensor "<module>.<part>".
    std::vector<std::string> modulesWith(const std::string& part) const;
    const StoredTensor* find(const std::string& name);
    // Throws Error when it is missing.
    const StoredTensor& need(const std::string& name);
    // Throws Error for another type or shape, saying what was got.
    const StoredTensor& need(const std::string& name, std::initializer_list<StoredType> types,
                             const std::vector<std::int64_t>& shape);
    static void check(const StoredTensor& tensor, std::initializer_list<StoredType> types,
                      const std::vector<std::int64_t>& shape);
    [[noreturn]] static void refuse(const std::string& tensor, const std::string& what);

    // The weight of a module. `kind` is what it is stored as: "int4 in groups of 128".
    void add(const std::string& module, std::int64_t rows, std::int64_t columns, const std::string& kind,
             std::shared_ptr<const TensorDecoder> decoder);
    // The file with those weights in place of their parts.
    OpenedCheckpoint finish(const std::string& method, const std::string& recipe);

private:
    std::shared_ptr<const TensorFile> file_;
    std::vector<StoredTensor> weights_;
    std::set<std::string> parts_;
    std::map<std::string, std::int64_t> kinds_; // weights of each
};

// A small tensor's values.
std::vector<float> valuesOf(const StoredTensor& tensor);
// Throws Error for an entry outside of [0, groups).
std::vector<std::int32_t> groupsOf(const StoredTensor& tensor, std::int64_t groups);
// One group for every `size` columns.
std::vector<std::int32_t> evenGroups(std::int64_t columns, std::int64_t size);
inline constexpr std::initializer_list<StoredType> floatTypes = {StoredType::F32, StoredType::F16,
                                                                 StoredType::BF16};

} // namespace kurtoscope
