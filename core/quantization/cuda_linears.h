// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/cuda/cuda_library.h"
#include "core/quantization/kernels/integer_rows.h"
#include "core/quantization/real_linears.h"

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace kurtoscope {

// A layer's weight where the GPU multiplies it; kept columns are zero in it.
class PackedOnGpu {
public:
    std::int64_t outputs = 0;
    at::Tensor q;           // [padded output, place] int8 (E4M3 as its bits), half or bfloat16
    at::Tensor scales;      // [part, output] float32; undefined: 1
    at::Tensor sums;        // [part, output] int32 Σ q, for inputs with zero points; undefined: floats
    at::Tensor bias;        // [output] float32; may be undefined
    at::Tensor keptColumns; // [kept, output] float32, for few; else
    at::Tensor keptHalves;  // [padded output, kept, padded] half

    std::int64_t bytes() const {
        std::int64_t all = 0;
        for (const at::Tensor* one : {&q, &scales, &sums, &bias, &keptColumns, &keptHalves})
            if (one->defined()) all += std::int64_t(one->nbytes());
        return all;
    }
};

// How a site's rows lie for the GPU: a range's channels side by side, each range filled up to whole sixteens.
struct GpuRows {
    SiteRounding rounding;   // of the first range: what all have in common
    std::vector<int> kept;   // channels, rising
    std::int64_t stride = 0; // places
    std::int64_t ranges = 1;
    at::Tensor order, ends;    // int32 [stride], [ranges]; undefined: as they come, one range
    at::Tensor scales, zeros;  // float32 [ranges] of static ranges; else undefined
    at::Tensor inlier, chosen; // int32 [channel], [kept]; undefined where no channel is kept
};

// Linear layers on an NVIDIA GPU whose two sides are integers, E4M3 or 16-bit floats, multiplied on tensor
// cores by the CUDA library. What the GPU or the library refuses is refused here, or multiplied in float32
// after all, and shortfall() says so.
class CudaLinears : public RealLinears {
public:
    CudaLinears(const CudaLibrary& library, Format format) : library_(library), format_(format) {}

    std::optional<Format> format() const override { return format_; }
    KernelTag tag() const override;
    at::Tensor multiply(const Linear& linear, const at::Tensor& x, const std::vector<int>& lengths,
                        const Then& then) const override;
    at::Tensor normed(Site input, const at::Tensor& x, const NormStep& norm, bool alone,
                      const std::vector<int>& lengths) const override;
    std::string shortfall() const override { return missed_.empty() ? shortfall_ : missed_; }
    void beginAnew() const override { missed_.clear(); }
    std::map<const void*, std::int64_t> heldBytes() const override;

private:
    // A product of its own: the places of x that it reads, and what its sums are scaled by.
    struct Part {
        std::int64_t first = 0, width = 0; // places
        int range = 0;
    };
    struct Packed {
        std::shared_ptr<const PackedOnGpu> weight;
        std::shared_ptr<const GpuRows> rows;
        std::vector<Part> parts;
    };

    bool pack(const RealLayer& layer, PackedWeights& store) override;
    bool takes(const at::Tensor& weight) const override { return weight.is_cuda() || library_.onHost; }
    bool packIntegers(const RealLayer& layer, PackedWeights& store, Packed& made);
    bool packFloats(const RealLayer& layer, PackedWeights& store, Packed& made);
    std::shared_ptr<const GpuRows> rowsFor(const RealLayer& layer, std::vector<IntegerPart> ranges);
    bool runs(const Packed& packed,
              const std::string& name); // whether the library takes products of its shape
    bool refuse(const RealLayer& layer, const std::string& why);

    // x after `norm`, if any, as rows of numbers.
    void makeRows(const std::shared_ptr<const GpuRows>& rows, const at::Tensor& x, const NormStep* norm,
                  at::Tensor* normed, const std::vector<int>& lengths) const;
    const char* multiplyPart(const PackedOnGpu& weight, const Part& part, at::Tensor& out) const;
    at::Tensor plainSums(const PackedOnGpu& weight, const Part& part) const;
    at::Tensor sumsOf(const Linear& linear, const Packed& packed, std::int64_t first,
                      std::int64_t count) const;
    void gather(const Packed& packed, const at::Tensor& x, at::Tensor& product, at::Tensor& scales) const;
    at::Tensor lengthsOnDevice(const std::vector<int>& lengths, const at::Tensor& like) const;
    at::Tensor& workspace(const at::Tensor& like) const;
    void* stream(const at::Tensor& x) const;

    const CudaLibrary& library_;
    Format format_;
    std::string shortfall_;
    std::unordered_map<const Linear*, Packed> packed_;
    std::unordered_map<Site, std::shared_ptr<const GpuRows>> atSite_;
    std::map<std::array<std::int64_t, 3>, std::string> tried_; // shapes, and why they were refused
    mutable std::string missed_;                               // why a pass multiplied in float32 after all
    mutable std::map<std::vector<int>, at::Tensor> lengths_;
    mutable at::Tensor workspace_;
    // Of last_, which is held so that no other tensor can take its place unnoticed.
    mutable at::Tensor last_, q_, rowScales_, rowZeros_;
    mutable std::shared_ptr<const GpuRows> lastRows_;
};

} // namespace kurtoscope
