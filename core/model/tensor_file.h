// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/export.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kurtoscope {

class MappedFile;

// How a stored tensor is encoded: those that can be turned into floats. Others are refused by name or number.
enum class StoredType : unsigned char {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    BOOL,
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    F8_E4M3,
    F8_E5M2,
};
KURTOSCOPE_API const char* storedTypeName(StoredType type);

// Makes a matrix out of several stored tensors: integers with their scales. Immutable; any thread.
class TensorDecoder {
public:
    virtual ~TensorDecoder() = default;
    // Rows [first, first + count) of it; `out` has room for exactly them.
    virtual void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const = 0;
};

struct StoredTensor {
    std::string name;
    StoredType type = StoredType::F32;
    std::vector<std::int64_t> shape;  // row-major, outermost first (GGUF's order reversed)
    std::span<const std::byte> bytes; // into the memory map: valid while the TensorFile lives
    std::shared_ptr<const TensorDecoder> decoder = nullptr; // where it is there, `bytes` and `type` are the
                                                            // stored integers' and only it knows the values
    KURTOSCOPE_API std::int64_t elements() const;
};

// A memory-mapped file (or set of shards) of named tensors. Opening reads headers only. Immutable and safe
// from any thread.
class KURTOSCOPE_API TensorFile {
public:
    virtual ~TensorFile() = default;
    virtual const std::vector<StoredTensor>& tensors() const = 0; // sorted by name
    virtual std::int64_t fileBytes() const = 0;
    const StoredTensor* find(const std::string& name) const; // null when absent

    // A .safetensors file. Throws Error: truncated, overlapping, header beyond the file, unknown dtype, shape
    // that does not fit, pickle.
    static std::shared_ptr<const TensorFile> openSafetensors(const std::filesystem::path& file);
    // model.safetensors.index.json with its shards; unread shards cost only their headers. Throws Error, also
    // for a missing shard and for a tensor that its shard lacks.
    static std::shared_ptr<const TensorFile> openShards(const std::filesystem::path& index);
    // openSafetensors over a file that is mapped already.
    static std::shared_ptr<const TensorFile> readSafetensors(std::shared_ptr<const MappedFile> file);
};

// Whether the name is that of PyTorch weights as a pickle (pytorch_model.bin, .pt, .pth, .ckpt, .pkl).
KURTOSCOPE_API bool isPickleName(const std::filesystem::path& file);
// The Error to throw for such a file: why it is not read and how to convert it.
KURTOSCOPE_API Error pickleRefusal(const std::filesystem::path& file);

// Writes `tensor` as float32 to `out` (elements() floats), dequantizing blocks and widening halves. Integers
// convert. Throws Error when out's size differs.
KURTOSCOPE_API void dequantize(const StoredTensor& tensor, std::span<float> out);
// Rows [first, first + count) of a 2-D tensor only: what an embedding lookup needs. out has count × columns
// floats. Throws Error for other ranks, rows beyond the tensor, another size of out.
KURTOSCOPE_API void dequantizeRows(const StoredTensor& tensor, std::int64_t first, std::int64_t count,
                                   std::span<float> out);

} // namespace kurtoscope
