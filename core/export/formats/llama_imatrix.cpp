// SPDX-License-Identifier: GPL-3.0-or-later
// llama.cpp's importance matrix: for each weight the sums of squares of its inputs' channels, as
// llama-quantize reads them with --imatrix; and the nearest type of llama.cpp's for each weight.
#include "core/export/export_folder.h"
#include "core/export/gguf_writer.h"
#include "core/export/linear_statistics.h"
#include "core/export/text_parts.h"

#include <algorithm>
#include <set>

namespace kurtoscope {
namespace {

// llama.cpp counts tokens in chunks of this many where a file says nothing else.
std::int64_t chunkLength(const ExportSubject& subject) {
    return std::max(1, subject.calibration.length > 0 ? subject.calibration.length : 512);
}

std::vector<float> energies(const SiteStats& stats) {
    return {stats.energy.begin(), stats.energy.end()};
}

// The nearest of llama.cpp's types: blocks of 256 weights where the rows are whole numbers of them, else
// of 32.
std::string typeFor(const Linear& linear, const WeightRule& rule) {
    const std::int64_t inputs = linear.weight.size(1);
    if (inputs % 32 != 0) return "f16";
    const bool super = inputs % 256 == 0;
    const int bits = rule.format == Format::integer ? rule.bits : 8;
    if (bits >= 7) return "q8_0";
    if (bits == 6) return super ? "q6_k" : "q8_0";
    if (bits == 5) return super ? "q5_k" : rule.symmetric ? "q5_0" : "q5_1";
    if (bits == 4) return super ? "q4_k" : rule.symmetric ? "q4_0" : "q4_1";
    if (bits == 3) return super ? "q3_k" : "q4_0";
    return super ? "q2_k" : "q4_0";
}

class LlamaImatrix : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{
            {"llama-imatrix",
             "llama.cpp importance matrix",
             "per-channel sums of squares for llama-quantize, and a type for each weight",
             "llama-quantize",
             {choiceOf("form", "Form", "gguf: what llama.cpp reads since 2025; dat: the older binary form",
                       "gguf", {"gguf", "dat"})}},
            false};
        return info;
    }

    ExportPlan plan(const ExportSubject& subject, const Told& told) const override {
        ExportPlan plan;
        needText(subject, plan);
        limitModelParts(subject, plan);
        if (subject.plan.activations)
            plan.limits.push_back(
                {"how activations are rounded",
                 "llama.cpp chooses that itself: blocks of 32 in 8 bits, ranges at run time"});
        if (!subject.recipe.kept.empty() || !subject.recipe.keep.empty())
            plan.limits.push_back({"kept channels", "their weights count by their activations' squares"});
        if (!subject.plan.transforms.empty())
            plan.limits.push_back(
                {"smoothing, scaling and rotations", "statistics and types of the model as it is"});
        std::set<std::string> named; // query, key and value may be one tensor
        for (const auto& linear : subject.base.linears()) {
            const std::string name = linear->head ? "" : ggufName(*linear);
            if (!name.empty() && !named.insert(name).second) continue;
            if (name.empty()) {
                plan.left.push_back(linear->name);
                continue;
            }
            plan.bytes += 4 * linear->weight.size(1) + 128;
            const bool rounded =
                subject.plan.weights && !subject.recipe.highPrecision.contains(linear->input);
            ExportedModule module;
            module.name = name;
            module.group = !subject.plan.weights ? "as llama-quantize is told"
                           : rounded             ? typeFor(*linear, *subject.plan.weights)
                                                 : "f16";
            module.treatment = "importance by channel";
            plan.modules.push_back(module);
        }
        plan.expectedDifference =
            "llama.cpp rounds weights in blocks of its own: measure there, with llama-perplexity";
        const std::string file = told.text("form") == "dat" ? "imatrix.dat" : "imatrix.gguf";
        plan.loading = "```\nllama-quantize --imatrix " + file +
                       " $(sed 's/^/--tensor-type /' tensor-types.txt) model-f16.gguf out.gguf q8_0\n```\n\n"
                       "`tensor-types.txt` has one `pattern=type` on a line; leave it out to let "
                       "llama-quantize choose.\n";
        return plan;
    }

    void write(const ExportSubject& subject, const Told& told, const ExportPlan& plan,
               ExportFolder& out) const override {
        const Observation seen = subject.observe(false);
        std::vector<std::pair<std::string, const SiteStats*>> entries;
        for (const LinearStatistics& one : linearStatistics(subject, seen))
            if (const std::string name = ggufName(*one.linear); !name.empty())
                entries.emplace_back(name, one.input);
        std::sort(entries.begin(), entries.end());
        entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
        out.throwIfStopped();
        if (told.text("form") == "dat")
            out.write("imatrix.dat", legacy(subject, seen, entries));
        else
            out.write("imatrix.gguf", gguf(subject, seen, entries));
        if (!subject.plan.weights) return;
        std::string types;
        for (const ExportedModule& module : plan.modules) {
            std::string pattern = module.name;
            for (std::size_t dot = pattern.find('.'); dot != pattern.npos; dot = pattern.find('.', dot + 2))
                pattern.replace(dot, 1, "\\.");
            types += "^" + pattern + "$=" + module.group + "\n"; // else it is looked for anywhere in a name
        }
        out.write("tensor-types.txt", types);
    }

private:
    using Entries = std::vector<std::pair<std::string, const SiteStats*>>;

    static std::int64_t chunks(const ExportSubject& subject, std::int64_t tokens) {
        const std::int64_t length = chunkLength(subject);
        return std::max<std::int64_t>(1, (tokens + length - 1) / length);
    }

    static std::string gguf(const ExportSubject& subject, const Observation& seen, const Entries& entries) {
        GgufWriter writer;
        writer.text("general.type", "imatrix");
        writer.texts("imatrix.datasets", {seen.dataName});
        writer.whole("imatrix.chunk_count", static_cast<std::uint32_t>(chunks(subject, seen.tokens)));
        writer.whole("imatrix.chunk_size", static_cast<std::uint32_t>(chunkLength(subject)));
        for (const auto& [name, stats] : entries) {
            writer.tensor(name + ".in_sum2", {stats->channels, 1}, energies(*stats));
            writer.tensor(name + ".counts", {1, 1}, {static_cast<float>(stats->tokens)});
        }
        return writer.bytes();
    }

    // Entries with means of squares times the number of chunks, then that number and the text's name.
    static std::string legacy(const ExportSubject& subject, const Observation& seen, const Entries& entries) {
        std::string bytes;
        const auto whole = [&](std::int64_t value) {
            const auto narrow = static_cast<std::int32_t>(value);
            bytes.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
        };
        const auto text = [&](const std::string& value) {
            whole(static_cast<std::int64_t>(value.size()));
            bytes += value;
        };
        whole(static_cast<std::int64_t>(entries.size()));
        for (const auto& [name, stats] : entries) {
            text(name);
            const std::int64_t calls = chunks(subject, stats->tokens);
            whole(calls);
            whole(stats->channels);
            for (const double energy : stats->energy) {
                const auto mean = static_cast<float>(
                    energy / double(std::max<std::int64_t>(1, stats->tokens)) * double(calls));
                bytes.append(reinterpret_cast<const char*>(&mean), sizeof mean);
            }
        }
        whole(chunks(subject, seen.tokens));
        text(seen.dataName);
        return bytes;
    }
};

const Registration<ExportFormat, LlamaImatrix> registration;

} // namespace
} // namespace kurtoscope
