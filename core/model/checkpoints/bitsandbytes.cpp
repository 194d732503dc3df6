// SPDX-License-Identifier: GPL-3.0-or-later
// bitsandbytes: LLM.int8() rows (Dettmers et al. 2022, arXiv 2208.07339) as int8 `weight` beside their
// largest magnitudes `SCB`, and 4-bit blocks (Dettmers et al. 2023, arXiv 2305.14314) as nibbles beside
// `absmax`, whose own values may be 8-bit codes (double quantization). A JSON text in a tensor says blocks
// and shape.
#include "core/base/error.h"
#include "core/base/json_depth.h"
#include "core/model/block_formats.h"
#include "core/model/checkpoint_parts.h"

#include <nlohmann/json.hpp>

#include <mutex>

namespace kurtoscope {
namespace {

using nlohmann::json;

constexpr float perStep = 7.874015718698502e-3F; // 1 / 127, as the library multiplies by it

void addRowsOfInt8(CheckpointParts& parts, const std::string& module) {
    constexpr auto any = CheckpointParts::any;
    const StoredTensor& weight = parts.need(module + ".weight", {StoredType::I8}, {any, any});
    const std::int64_t rows = weight.shape[0], columns = weight.shape[1];
    const StoredTensor& largest = parts.need(module + ".SCB", {StoredType::F32}, {rows});
    if (const StoredTensor* layout = parts.find(module + ".weight_format"))
        if (layout->elements() != 1 || valuesOf(*layout).front() != 0)
            CheckpointParts::refuse(layout->name,
                                    "says that the rows are interleaved for one kind of GPU, expected 0");
    const auto makeLevels = [=] {
        LevelTable levels;
        levels.scales = valuesOf(largest);
        levels.after = perStep;
        return levels;
    };
    const auto read = [=](std::int64_t row, std::span<float> values) {
        dequantizeRows(weight, row, 1, values);
    };
    parts.add(module, rows, columns, "int8 per channel",
              std::make_shared<LevelDecoder>(columns, read, makeLevels));
}

// What quant_state says of a 4-bit weight.
struct BlockState {
    std::int64_t rows = 0, columns = 0, block = 0, outerBlock = 0;
    float offset = 0;
    StoredType type = StoredType::F32;
};

BlockState blockState(const StoredTensor& tensor) {
    CheckpointParts::check(tensor, {StoredType::U8}, {CheckpointParts::any});
    const std::string text(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    const json state = nestsDeeper(text, 8) ? json() : json::parse(text, nullptr, false);
    const auto whole = [&](const json& value, std::int64_t most) {
        return value.is_number_integer() && value >= 1 && value <= most;
    };
    constexpr std::int64_t most = std::int64_t{1} << 40;
    if (!state.is_object() || !state.contains("shape") || !state["shape"].is_array() ||
        state["shape"].size() != 2 || !whole(state["shape"][0], most) || !whole(state["shape"][1], most) ||
        !state.contains("blocksize") || !whole(state["blocksize"], 1 << 20))
        CheckpointParts::refuse(tensor.name, "names no \"shape\" of two dimensions and \"blocksize\"");
    BlockState made;
    made.rows = state["shape"][0], made.columns = state["shape"][1], made.block = state["blocksize"];
    const std::string type =
        state.contains("dtype") && state["dtype"].is_string() ? state["dtype"] : json("float32");
    if (type != "float32" && type != "float16" && type != "bfloat16")
        CheckpointParts::refuse(tensor.name, "has \"dtype\" " + inQuotes(type) +
                                                 ", expected float32, float16 or bfloat16");
    made.type = type == "float16" ? StoredType::F16 : type == "bfloat16" ? StoredType::BF16 : StoredType::F32;
    if (state.contains("nested_blocksize") && whole(state["nested_blocksize"], 1 << 20))
        made.outerBlock = state["nested_blocksize"];
    if (state.contains("nested_offset") && state["nested_offset"].is_number())
        made.offset = state["nested_offset"].get<float>();
    return made;
}

std::int64_t blocksOf(std::int64_t count, std::int64_t size) {
    return count / size + (count % size != 0);
}

// Blocks run on over the ends of rows.
class BlockDecoder final : public TensorDecoder {
public:
    BlockDecoder(const BlockState& state, const StoredTensor& packed, const StoredTensor& code,
                 std::function<std::vector<float>()> makeScales)
        : state_(state), packed_(packed), code_(code), makeScales_(std::move(makeScales)) {}
    void decodeRows(std::int64_t first, std::int64_t count, std::span<float> out) const override {
        std::call_once(once_, [&] { values_ = valuesOf(code_), scales_ = makeScales_(); });
        std::size_t to = 0;
        for (std::int64_t i = first * state_.columns; i < (first + count) * state_.columns; ++i) {
            const auto pair = static_cast<unsigned>(packed_.bytes[static_cast<std::size_t>(i / 2)]);
            const unsigned nibble = i % 2 == 0 ? pair >> 4 : pair & 15u; // the first is the upper half
            const float scale = scales_[static_cast<std::size_t>(i / state_.block)];
            out[to++] = roundedTo(state_.type, values_[nibble] * scale);
        }
    }

private:
    BlockState state_;
    StoredTensor packed_, code_;
    std::function<std::vector<float>()> makeScales_;
    mutable std::once_flag once_;
    mutable std::vector<float> values_, scales_;
};

void addBlocksOf4Bits(CheckpointParts& parts, const std::string& module, const std::string& kind) {
    constexpr auto any = CheckpointParts::any;
    const std::string at = module + ".weight";
    const BlockState state = blockState(parts.need(at + ".quant_state.bitsandbytes__" + kind));
    std::int64_t count = 0;
    if (__builtin_mul_overflow(state.rows, state.columns, &count))
        CheckpointParts::refuse(at, "stands for more values than fit in 63 bits");
    const StoredTensor& packed = parts.need(at, {StoredType::U8}, {any, 1});
    if (packed.shape[0] != blocksOf(count, 2))
        CheckpointParts::refuse(at, "has " + std::to_string(packed.shape[0]) + " bytes, expected " +
                                        std::to_string(blocksOf(count, 2)) + " for its shape [" +
                                        std::to_string(state.rows) + ", " + std::to_string(state.columns) +
                                        "]");
    const StoredTensor& code = parts.need(at + ".quant_map", {StoredType::F32}, {16});
    const std::int64_t blocks = blocksOf(count, state.block);
    // In 16 bits where it was saved by a processor that multiplies so.
    const StoredTensor& largest = parts.need(
        at + ".absmax", {StoredType::F32, StoredType::BF16, StoredType::F16, StoredType::U8}, {blocks});
    const bool nested = largest.type == StoredType::U8;
    StoredTensor outer, outerCode;
    if (nested) {
        if (state.outerBlock == 0)
            CheckpointParts::refuse(at + ".absmax",
                                    "is stored as codes, but quant_state names no nested_blocksize");
        outer = parts.need(at + ".nested_absmax", {StoredType::F32}, {blocksOf(blocks, state.outerBlock)});
        outerCode = parts.need(at + ".nested_quant_map", {StoredType::F32}, {256});
    }
    const auto makeScales = [=] {
        std::vector<float> scale = valuesOf(largest);
        if (!nested) return scale;
        const std::vector<float> map = valuesOf(outerCode), size = valuesOf(outer);
        for (std::size_t i = 0; i < scale.size(); ++i) {
            const float product = map[static_cast<std::size_t>(scale[i])] *
                                  size[i / static_cast<std::size_t>(state.outerBlock)];
            scale[i] = product + state.offset;
        }
        return scale;
    };
    parts.add(module, state.rows, state.columns, kind + " in blocks of " + std::to_string(state.block),
              std::make_shared<BlockDecoder>(state, packed, code, makeScales));
}

class BitsAndBytes : public CheckpointReader {
public:
    std::string_view id() const override { return "bitsandbytes"; }

    OpenedCheckpoint open(const ConfigJson& config, std::shared_ptr<const TensorFile> file,
                          const std::filesystem::path&) const override {
        const double threshold = config.number("llm_int8_threshold", 6);
        CheckpointParts parts(std::move(file));
        std::string recipe;
        for (const std::string kind : {"nf4", "fp4"})
            for (const std::string& module : parts.modulesWith("weight.quant_state.bitsandbytes__" + kind)) {
                addBlocksOf4Bits(parts, module, kind);
                recipe = "rtn:bits=4,group=64";
            }
        for (const std::string& module : parts.modulesWith("SCB")) {
            addRowsOfInt8(parts, module);
            recipe = threshold > 0 ? "llm-int8:threshold=" + json(threshold).dump() +
                                         ",outliers=bitsandbytes,weight_bits=16"
                                   : "w8a8:activation=per-token,weight_bits=16";
        }
        return parts.finish("bitsandbytes", recipe);
    }
};

} // namespace

const Registration<CheckpointReader, BitsAndBytes> bitsAndBytesRegistration;

} // namespace kurtoscope
