// SPDX-License-Identifier: GPL-3.0-or-later
// AWQ's packed integers as AutoAWQ's "gemm" version writes them (Lin et al. 2023, arXiv 2306.00978): eight
// outputs of 4 bits in each word of qweight [inputs, outputs / 8] and qzeros [groups, outputs / 8], in an
// order made for unpacking by halves; scales [groups, outputs].
#include "core/base/error.h"
#include "core/model/block_formats.h"
#include "core/model/checkpoint_parts.h"

#include <array>
#include <cctype>
#include <cstring>

namespace kurtoscope {
namespace {

// Which nibble of a word holds each of its eight outputs.
constexpr std::array<int, 8> nibbleOf = {0, 4, 1, 5, 2, 6, 3, 7};

float nibble(const std::byte* words, std::int64_t line, std::int64_t width, std::int64_t output) {
    std::uint32_t word = 0;
    std::memcpy(&word, words + 4 * (line * (width / 8) + output / 8), sizeof word);
    return static_cast<float>(word >> (4 * nibbleOf[static_cast<std::size_t>(output % 8)]) & 15u);
}

class Awq : public CheckpointReader {
public:
    std::string_view id() const override { return "awq"; }

    OpenedCheckpoint open(const ConfigJson& config, std::shared_ptr<const TensorFile> file,
                          const std::filesystem::path&) const override {
        std::string version = config.text("version", "gemm");
        for (char& c : version)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (version != "gemm")
            throw Error("version " + inQuotes(version) + " is not supported", config.where() + ", version",
                        "Read: gemm. Save the model in this version");
        for (const char* key : {"bits", "w_bit"})
            if (config.has(key) && config.positive(key) != 4)
                throw Error("4 bits were expected, got " + std::to_string(config.positive(key)),
                            config.where() + ", " + key, "Check config.json");
        CheckpointParts parts(std::move(file));
        std::int64_t group = 0;
        for (const std::string& module : parts.modulesWith("qweight"))
            addMatrix(parts, module, group);
        return parts.finish("AWQ", "awq:bits=4,group=" + std::to_string(group) + ",symmetric=off");
    }

private:
    static void addMatrix(CheckpointParts& parts, const std::string& module, std::int64_t& group) {
        constexpr auto any = CheckpointParts::any;
        const StoredTensor& packed = parts.need(module + ".qweight", {StoredType::I32}, {any, any});
        const std::int64_t inputs = packed.shape[0], outputs = packed.shape[1] * 8;
        const StoredTensor& scales = parts.need(module + ".scales", floatTypes, {any, outputs});
        const std::int64_t groups = scales.shape[0];
        if (groups < 1 || inputs % groups != 0)
            CheckpointParts::refuse(scales.name, "has " + std::to_string(groups) + " groups for " +
                                                     std::to_string(inputs) + " inputs");
        const StoredTensor& zeros = parts.need(module + ".qzeros", {StoredType::I32}, {groups, outputs / 8});
        group = groups == 1 ? 0 : inputs / groups;

        const std::string kind =
            groups == 1 ? "int4 per channel" : "int4 in groups of " + std::to_string(inputs / groups);
        const auto makeLevels = [=] {
            LevelTable levels{scales.type, 1,
                              groups,      {},
                              {},          evenGroups(inputs, std::max<std::int64_t>(1, inputs / groups))};
            const std::vector<float> stored = valuesOf(scales); // [group, output]
            for (std::int64_t o = 0; o < outputs; ++o)
                for (std::int64_t g = 0; g < groups; ++g) {
                    levels.scales.push_back(stored[static_cast<std::size_t>(g * outputs + o)]);
                    levels.zeros.push_back(nibble(zeros.bytes.data(), g, outputs, o));
                }
            return levels;
        };
        const auto read = [=](std::int64_t row, std::span<float> values) {
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = nibble(packed.bytes.data(), static_cast<std::int64_t>(i), outputs, row);
        };
        parts.add(module, outputs, inputs, kind, std::make_shared<LevelDecoder>(inputs, read, makeLevels));
    }
};

} // namespace

const Registration<CheckpointReader, Awq> awqRegistration;

} // namespace kurtoscope
