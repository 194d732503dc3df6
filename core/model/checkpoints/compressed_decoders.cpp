// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/checkpoints/compressed_decoders.h"

#include "core/model/block_formats.h"
#include "core/model/matrix_decoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace kurtoscope {
namespace {

[[noreturn]] void refuse(const CompressedParts& parts, const std::string& what) {
    throw Error(parts.module + ": " + what, parts.where,
                "Download weights and config.json again, from the same place");
}

std::string described(const StoredTensor& tensor) {
    return std::string(storedTypeName(tensor.type)) + " " + shapeText(tensor.shape);
}

void expect(const CompressedParts& parts, const StoredTensor& tensor, std::initializer_list<StoredType> types,
            const std::vector<std::int64_t>& shape) {
    bool known = types.size() == 0;
    for (const StoredType type : types)
        known |= tensor.type == type;
    // A scale for the whole weight is one value, in whatever shape.
    const bool fits = tensor.shape == shape || (elementCount(shape) == 1 && tensor.elements() == 1);
    if (!known || !fits || tensor.decoder)
        refuse(parts, tensor.name + " is " + described(tensor) + ", expected " +
                          (types.size() > 0 ? std::string(storedTypeName(*types.begin())) + " " : "") +
                          shapeText(shape));
}

// The scales that belong to rows of [out, in] weights.
class Scales {
public:
    Scales(const CompressedParts& parts, std::int64_t outputs, std::int64_t inputs)
        : scale_(*parts.scale), zero_(parts.zero), inputs_(inputs) {
        const bool one = scale_.elements() == 1;
        const bool blocks = parts.blockRows > 0;
        group_ = blocks ? parts.blockColumns : parts.group > 0 ? parts.group : inputs;
        rowBlock_ = blocks ? parts.blockRows : 1;
        if (!blocks && inputs % group_ != 0)
            refuse(parts, "groups of " + std::to_string(group_) + " do not divide " + std::to_string(inputs) +
                              " inputs");
        const std::int64_t groups = (inputs + group_ - 1) / group_,
                           lines = (outputs + rowBlock_ - 1) / rowBlock_;
        rowScales_ = one ? 0 : groups;
        if (one && lines * groups != 1 && (blocks || parts.group > 0))
            refuse(parts, scale_.name + " has one value, expected " + shapeText({lines, groups}));
        expect(parts, scale_, {},
               one ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{lines, groups});
        if (scale_.type != StoredType::F32 && scale_.type != StoredType::F16 &&
            scale_.type != StoredType::BF16)
            refuse(parts, scale_.name + " is " + described(scale_) + ", expected floats");
        if (!zero_) return;
        // Packed ones lie along the outputs: `packedZeros_` to a word.
        if (zero_->type == StoredType::I32 && parts.values->type == StoredType::I32) {
            bits_ = parts.bits;
            const std::int64_t words = (outputs * bits_ + 31) / 32;
            expect(parts, *zero_, {StoredType::I32}, {words, groups});
            packed_ = true;
        } else {
            expect(parts, *zero_, {StoredType::I8},
                   one ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{lines, groups});
        }
    }

    // (q − zero) · scale of one row, in place, in the scales' own type as the library does it.
    void apply(std::int64_t row, float* values) const {
        const std::int64_t groups = (inputs_ + group_ - 1) / group_;
        std::vector<float> scale(std::size_t(rowScales_ > 0 ? groups : 1)), zero(scale.size(), 0);
        read(scale_, row, scale);
        if (zero_ && !packed_) read(*zero_, row, zero);
        if (packed_)
            for (std::int64_t g = 0; g < groups; ++g)
                zero[std::size_t(g)] = packedZero(row, g, groups);
        for (std::int64_t g = 0; g < groups; ++g) {
            const float s = scale[scale.size() > 1 ? std::size_t(g) : 0],
                        z = zero[zero.size() > 1 ? std::size_t(g) : 0];
            for (std::int64_t c = g * group_; c < std::min(inputs_, (g + 1) * group_); ++c)
                values[c] = roundedTo(scale_.type, (values[c] - z) * s);
        }
    }

private:
    void read(const StoredTensor& tensor, std::int64_t row, std::vector<float>& out) const {
        if (rowScales_ == 0)
            dequantize(tensor, out);
        else
            dequantizeRows(tensor, row / rowBlock_, 1, out);
    }
    float packedZero(std::int64_t row, std::int64_t group, std::int64_t groups) const {
        const std::uint32_t raised = stridedBitField(zero_->bytes.data() + 4 * group, groups, row, bits_);
        return static_cast<float>(static_cast<int>(raised) - (1 << (bits_ - 1)));
    }

    StoredTensor scale_;
    std::optional<StoredTensor> ownZero_;
    const StoredTensor* zero_;
    std::int64_t inputs_, group_ = 0, rowBlock_ = 1, rowScales_ = 0; // 0: one for the whole weight
    int bits_ = 8;
    bool packed_ = false;
};

std::pair<std::int64_t, std::int64_t> matrix(const CompressedParts& parts, const StoredTensor& tensor) {
    if (tensor.shape.size() != 2 || tensor.shape[0] < 1 || tensor.shape[1] < 1)
        refuse(parts, tensor.name + " is " + described(tensor) + ", expected a matrix");
    return {tensor.shape[0], tensor.shape[1]};
}

// Integers of a byte or FP8 values, each row then scaled.
class PlainDecoder : public TensorDecoder {
public:
    PlainDecoder(const CompressedParts& parts, std::int64_t outputs, std::int64_t inputs)
        : values_(*parts.values), scales_(parts, outputs, inputs), inputs_(inputs) {}
    void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const override {
        dequantizeRows(values_, first, count, out);
        for (std::int64_t row = 0; row < count; ++row)
            scales_.apply(first + row, out.data() + row * inputs_);
    }

private:
    StoredTensor values_;
    Scales scales_;
    std::int64_t inputs_;
};

class PackedDecoder : public TensorDecoder {
public:
    PackedDecoder(const CompressedParts& parts, std::int64_t outputs, std::int64_t inputs)
        : values_(*parts.values), scales_(parts, outputs, inputs), inputs_(inputs), bits_(parts.bits) {}
    void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const override {
        const std::int64_t words = values_.shape[1];
        for (std::int64_t row = 0; row < count; ++row) {
            float* to = out.data() + row * inputs_;
            const std::byte* from = values_.bytes.data() + (first + row) * words * 4;
            for (std::int64_t column = 0; column < inputs_; ++column) {
                const std::uint32_t raised = bitField(from, column, bits_);
                to[column] = static_cast<float>(static_cast<int>(raised) - (1 << (bits_ - 1)));
            }
            scales_.apply(first + row, to);
        }
    }

private:
    StoredTensor values_;
    Scales scales_;
    std::int64_t inputs_;
    int bits_;
};

class Fp4Decoder : public TensorDecoder {
public:
    Fp4Decoder(const CompressedParts& parts, std::int64_t inputs, std::int64_t block, float global)
        : values_(*parts.values), scale_(*parts.scale), inputs_(inputs), block_(block), global_(global) {}
    void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const override {
        static constexpr std::array<float, 16> levels{0,     0.5F,  1,  1.5F,  2,  3,  4,  6,
                                                      -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
        std::vector<float> scale(std::size_t(inputs_ / block_));
        for (std::int64_t row = first; row < first + count; ++row) {
            dequantizeRows(scale_, row, 1, scale);
            float* to = out.data() + (row - first) * inputs_;
            const auto* from =
                reinterpret_cast<const unsigned char*>(values_.bytes.data()) + row * inputs_ / 2;
            for (std::int64_t column = 0; column < inputs_; ++column) {
                const float stored = scale[std::size_t(column / block_)];
                const float s =
                    global_ > 0 ? stored / global_ : std::ldexp(1.0F, static_cast<int>(stored) - 127);
                to[column] = levels[(from[column / 2] >> (column % 2 * 4)) & 15] * s;
            }
        }
    }

private:
    StoredTensor values_, scale_;
    std::int64_t inputs_, block_;
    float global_; // 0: MXFP4
};

} // namespace

Decoded makeIntegerDecoder(const CompressedParts& parts) {
    const auto [outputs, inputs] = matrix(parts, *parts.values);
    expect(parts, *parts.values, {StoredType::I8}, {outputs, inputs});
    return {{outputs, inputs}, std::make_shared<PlainDecoder>(parts, outputs, inputs)};
}

Decoded makeFp8Decoder(const CompressedParts& parts) {
    const auto [outputs, inputs] = matrix(parts, *parts.values);
    expect(parts, *parts.values, {StoredType::F8_E4M3}, {outputs, inputs});
    return {{outputs, inputs}, std::make_shared<PlainDecoder>(parts, outputs, inputs)};
}

Decoded makePackedDecoder(const CompressedParts& parts) {
    expect(parts, *parts.shape, {StoredType::I64}, {2});
    std::int64_t shape[2];
    std::memcpy(shape, parts.shape->bytes.data(), sizeof shape);
    constexpr std::int64_t most = 1 << 28;
    if (shape[0] < 1 || shape[1] < 1 || shape[0] > most || shape[1] > most)
        refuse(parts,
               "weight_shape says [" + std::to_string(shape[0]) + ", " + std::to_string(shape[1]) + "]");
    expect(parts, *parts.values, {StoredType::I32}, {shape[0], (shape[1] * parts.bits + 31) / 32});
    return {{shape[0], shape[1]}, std::make_shared<PackedDecoder>(parts, shape[0], shape[1])};
}

Decoded makeFp4Decoder(const CompressedParts& parts) {
    const auto [outputs, half] = matrix(parts, *parts.values);
    const std::int64_t inputs = 2 * half, block = parts.group;
    expect(parts, *parts.values, {StoredType::U8}, {outputs, half});
    if (block < 1 || inputs % block != 0)
        refuse(parts,
               "blocks of " + std::to_string(block) + " do not divide " + std::to_string(inputs) + " inputs");
    float global = 0;
    if (parts.globalScale) {
        expect(parts, *parts.globalScale, {StoredType::F32}, {1});
        dequantize(*parts.globalScale, {&global, 1});
        if (!(global > 0)) refuse(parts, "weight_global_scale is not above 0");
    }
    expect(parts, *parts.scale, {parts.globalScale ? StoredType::F8_E4M3 : StoredType::U8},
           {outputs, inputs / block});
    return {{outputs, inputs}, std::make_shared<Fp4Decoder>(parts, inputs, block, global)};
}

} // namespace kurtoscope
