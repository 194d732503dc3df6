// SPDX-License-Identifier: GPL-3.0-or-later
// GPTQ's packed integers as AutoGPTQ and GPTQModel write them (Frantar et al. 2022, arXiv 2210.17323): fields
// of `bits` bits run down the inputs of qweight [inputs · bits / 32, outputs] and along the outputs of qzeros
// [groups, outputs · bits / 32]; scales [groups, outputs]; g_idx [inputs] names each input's group. The first
// version of the layout stores zero points less one.
#include "core/base/error.h"
#include "core/model/block_formats.h"
#include "core/model/checkpoint_parts.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace kurtoscope {
namespace {

class Gptq : public CheckpointReader {
public:
    std::string_view id() const override { return "gptq"; }

    OpenedCheckpoint open(const ConfigJson& config, std::shared_ptr<const TensorFile> file,
                          const std::filesystem::path&) const override {
        const std::string layout = config.text("checkpoint_format", "gptq");
        if (layout != "gptq" && layout != "gptq_v2")
            throw Error("checkpoint_format " + inQuotes(layout) + " is not supported", config.where(),
                        "Read: gptq, gptq_v2. Save the model in one of them");
        const std::int64_t bits = config.positive("bits");
        if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
            throw Error("2, 3, 4 or 8 bits were expected, got " + std::to_string(bits),
                        config.where() + ", bits", "Check config.json");
        CheckpointParts parts(std::move(file));
        for (const std::string& module : parts.modulesWith("qweight"))
            addMatrix(parts, module, static_cast<int>(bits), layout == "gptq");
        const auto group = config.json().find("group_size");
        const bool grouped =
            group != config.json().end() && group->is_number_integer() && group->get<std::int64_t>() > 0;
        return parts.finish("GPTQ", "gptq:bits=" + std::to_string(bits) +
                                        ",group=" + (grouped ? group->dump() : "0") +
                                        ",symmetric=" + (config.flag("sym", true) ? "on" : "off"));
    }

private:
    static void addMatrix(CheckpointParts& parts, const std::string& module, int usualBits, bool lessOne) {
        constexpr auto any = CheckpointParts::any;
        const StoredTensor& packed = parts.need(module + ".qweight", {StoredType::I32}, {any, any});
        const std::int64_t words = packed.shape[0], outputs = packed.shape[1];
        const StoredTensor& scales = parts.need(module + ".scales", floatTypes, {any, outputs});
        const std::int64_t groups = scales.shape[0];
        const StoredTensor* order = parts.find(module + ".g_idx");
        int bits = usualBits;
        std::int64_t inputs = words * 32 / bits;
        if (order) {
            CheckpointParts::check(*order, {StoredType::I32, StoredType::I64}, {any});
            inputs = order->shape[0];
            // Single modules may have bits of their own: the number of words says how many.
            if (inputs > 0 && words * 32 % inputs == 0) bits = static_cast<int>(words * 32 / inputs);
        }
        if ((bits != 2 && bits != 3 && bits != 4 && bits != 8) || inputs * bits != words * 32)
            CheckpointParts::refuse(packed.name, "has " + std::to_string(words) + " words for " +
                                                     std::to_string(inputs) +
                                                     " inputs, which is no whole number of "
                                                     "2, 3, 4 or 8 bits each");
        if (groups < 1 || (!order && inputs % groups != 0))
            CheckpointParts::refuse(scales.name, "has " + std::to_string(groups) + " groups for " +
                                                     std::to_string(inputs) + " inputs");
        if (outputs * bits % 32 != 0)
            CheckpointParts::refuse(packed.name, "has " + std::to_string(outputs) +
                                                     " outputs, whose zero points fill no whole words");
        const StoredTensor& zeros =
            parts.need(module + ".qzeros", {StoredType::I32}, {groups, outputs * bits / 32});

        const std::vector<std::int32_t> group =
            order ? groupsOf(*order, groups) : evenGroups(inputs, inputs / groups);
        const std::string kind =
            "int" + std::to_string(bits) +
            (groups == 1 ? " per channel"
                         : " in groups of " + std::to_string((inputs + groups - 1) / groups));
        const auto makeLevels = [=] {
            LevelTable levels{scales.type, 1, groups, {}, {}, group};
            const std::vector<float> stored = valuesOf(scales); // [group, output]
            const auto size = static_cast<std::size_t>(groups * outputs);
            levels.scales.resize(size), levels.zeros.resize(size);
            const std::uint32_t most = (1u << bits) - 1;
            for (std::int64_t g = 0; g < groups; ++g)
                for (std::int64_t o = 0; o < outputs; ++o) {
                    const auto to = static_cast<std::size_t>(o * groups + g);
                    levels.scales[to] = stored[static_cast<std::size_t>(g * outputs + o)];
                    const std::uint32_t zero = bitField(zeros.bytes.data(), g * outputs + o, bits);
                    levels.zeros[to] = static_cast<float>(lessOne ? (zero + 1) & most : zero);
                }
            return levels;
        };
        const auto read = [=](std::int64_t row, std::span<float> values) {
            const std::byte* column = packed.bytes.data() + 4 * row;
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] =
                    static_cast<float>(stridedBitField(column, outputs, static_cast<std::int64_t>(i), bits));
        };
        parts.add(module, outputs, inputs, kind, std::make_shared<LevelDecoder>(inputs, read, makeLevels));
    }
};

} // namespace

const Registration<CheckpointReader, Gptq> gptqRegistration;

} // namespace kurtoscope
