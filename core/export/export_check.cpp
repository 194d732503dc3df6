// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/export_check.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/data/check_json.h"
#include "core/data/strict_json.h"
#include "core/engine/library_operators.h"
#include "core/export/export_folder.h"
#include "core/model/safetensors_writer.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

constexpr const char* hint = "Export again with this version of Kurtoscope";
constexpr std::size_t probes = 2, candidates = 32;
constexpr const char* probeTexts[] = {
    "In 1984 the old lighthouse keeper counted forty-two ships, and none of them came back before the storm.",
    "A function that calls itself must end somewhere; this one ends when nothing is left to be counted."};
// What answers may move by where no rounded value tips over to the next level.
constexpr double calm = 2e-6;

// A recipe's arithmetic on tensors whose last bits are others, as sums in another order leave them.
class Shaken : public Arithmetic {
public:
    Shaken(const RecipeArithmetic& recipe, std::uint64_t seed)
        : recipe_(recipe), random_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}
    at::Tensor value(Site site, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.value(site, shaken(x), batch);
    }
    at::Tensor operand(Site site, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.operand(site, shaken(x), batch);
    }
    bool roundsHead() const override { return recipe_.roundsHead(); }
    AttentionNumbers attention(int layer) const override { return recipe_.attention(layer); }
    at::Tensor cached(Site site, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.cached(site, shaken(x), batch);
    }
    at::Tensor reshaped(Site input, const at::Tensor& x) const override { return recipe_.reshaped(input, x); }
    bool treats(Site site) const override { return recipe_.treats(site); }
    at::Tensor linear(const Linear& linear, const at::Tensor& x, const Batch& batch) const override {
        return recipe_.linear(linear, x, batch);
    }

private:
    at::Tensor shaken(const at::Tensor& x) const {
        constexpr double roundings =
            5e-7; // some float32 roundings of a sum whose terms are as large as the row
        const at::Tensor size = x.abs() + x.square().mean(-1, true).sqrt();
        const at::Tensor noise = at::rand(x.sizes(), random_, at::TensorOptions().dtype(at::kFloat)) * 2 - 1;
        return x + noise.to(x.device()) * size * roundings;
    }

    const RecipeArithmetic& recipe_;
    at::Generator random_;
};

// Texts whole, then stretches of a few words: the shorter, the fewer values there are to tip.
std::vector<std::vector<int>> candidateIds(const ExportSubject& subject, std::uint64_t seed) {
    const ModelInfo& info = subject.base.info();
    const std::size_t length = std::min(longestProbe, static_cast<std::size_t>(info.maxLength));
    std::vector<std::string> texts(std::begin(probeTexts), std::end(probeTexts)), words;
    for (const char* text : probeTexts) {
        std::istringstream stream(text);
        for (std::string word; stream >> word;)
            words.push_back(word);
    }
    for (std::size_t first = 0; first + 4 <= words.size() && texts.size() < candidates; ++first) {
        std::string text = words[first];
        for (std::size_t next = 1; next < (first % 2 == 0 ? 4 : 2); ++next)
            text += " " + words[first + next];
        texts.push_back(text);
    }
    // Single words, where ranges that are found at run time let nothing longer be calm.
    const std::size_t longer = texts.size();
    texts.insert(texts.end(), words.begin(), words.end());
    std::vector<std::vector<int>> all;
    std::mt19937_64 random(seed);
    for (const std::string& text : texts) {
        const std::size_t least = all.size() < longer ? 4 : 2;
        std::vector<int> ids;
        if (subject.folder.tokenizer) ids = subject.folder.tokenizer->encode(text, true, length).ids;
        while (ids.size() < std::min(least, length)) // no tokenizer, or one that knows no words
            ids.push_back(static_cast<int>(random() % std::uint64_t(info.vocabulary)));
        all.push_back(std::move(ids));
    }
    return all;
}

// How far the answer moves with its last bits.
double tipping(const std::vector<int>& ids, const at::Tensor& answer, const ExportSubject& subject,
               c10::Device device, const std::stop_token& stop) {
    if (!subject.arithmetic) return 0;
    double most = 0;
    for (std::uint64_t seed = 1; seed <= 3 && most <= calm; ++seed) {
        const Shaken shaken(*subject.arithmetic, seed);
        const at::Tensor other = answerTo(ids, subject, device, &shaken, stop);
        const double size = answer.norm().item<double>();
        most = std::max(most, (other - answer).norm().item<double>() / std::max(size, 1e-30));
    }
    return most;
}

} // namespace

// Two sums of the same numbers in another order differ in their last bits, and where a value lies at the
// middle between two levels, that tips it over; everything behind follows. Answers can be compared to the
// last digits only where nothing tips, so such texts are looked for; where there are none, those that move
// least stand in.
ExportProbe makeProbe(const ExportSubject& subject, c10::Device device, std::uint64_t seed,
                      std::stop_token stop) {
    struct Candidate {
        double tips = 0;
        std::vector<int> ids;
        at::Tensor answer;
    };
    std::vector<Candidate> best;
    for (const auto& ids : candidateIds(subject, seed)) {
        Candidate one{0, ids, answerTo(ids, subject, device, subject.arithmetic, stop)};
        one.tips = tipping(ids, one.answer, subject, device, stop);
        best.push_back(std::move(one));
        std::stable_sort(best.begin(), best.end(), [](const Candidate& a, const Candidate& b) {
            return std::max(a.tips, calm) < std::max(b.tips, calm);
        });
        if (best.size() > probes) best.pop_back();
        if (best.size() == probes && best.back().tips <= calm) break;
    }
    ExportProbe probe;
    const auto valuesOf = [](const at::Tensor& answer) {
        const float* values = answer.const_data_ptr<float>();
        return std::vector<float>(values, values + answer.numel());
    };
    for (const Candidate& one : best) {
        probe.ids.push_back(one.ids);
        probe.shapes.push_back(one.answer.sizes().vec());
        probe.answers.push_back(valuesOf(one.answer));
    }
    if (!device.is_cpu()) return probe;
    const LibraryOperators operators;
    probe.textIds = candidateIds(subject, seed);
    probe.textIds.resize(std::size(probeTexts)); // the whole ones
    for (const auto& ids : probe.textIds)
        probe.byLibTorch.push_back(valuesOf(answerTo(ids, subject, device, subject.arithmetic, stop)));
    return probe;
}

at::Tensor answerTo(const std::vector<int>& ids, const ExportSubject& subject, c10::Device device,
                    const Arithmetic* arithmetic, const std::stop_token& stop) {
    throwIfStopped(stop);
    Batch batch;
    batch.ids = ids;
    batch.sequences = 1;
    batch.length = static_cast<int>(ids.size());
    batch.lengths = {batch.length};
    batch.windows = {0};
    Pass pass(batch, device, nullptr, arithmetic, stop);
    const at::Tensor hidden = subject.model().hidden(pass), logits = subject.model().head(pass, hidden);
    return (logits.defined() ? logits : hidden).squeeze(0).to(at::kCPU, at::kFloat).contiguous();
}

std::vector<int> stepsIds(const ExportSubject& subject, std::uint64_t seed) {
    return candidateIds(subject, seed).front();
}

void ExportProbe::write(ExportFolder& out) const {
    std::vector<TensorToWrite> tensors;
    for (std::size_t i = 0; i < answers.size(); ++i)
        tensors.push_back({answerName + std::to_string(i), shapes[i], answers[i]});
    for (std::size_t i = 0; i < byLibTorch.size(); ++i)
        tensors.push_back(
            {byLibTorchName + std::to_string(i), {std::int64_t(byLibTorch[i].size())}, byLibTorch[i]});
    out.throwIfStopped();
    writeSafetensors(out.file(probeName), tensors);
}

void compare(const std::vector<std::vector<float>>& expected, const std::vector<std::vector<float>>& got,
             CheckResult& result) {
    double apart = 0, size = 0;
    result.largest = 0;
    bool whole = expected.size() == got.size();
    for (std::size_t i = 0; whole && i < expected.size(); ++i) {
        whole = expected[i].size() == got[i].size();
        for (std::size_t k = 0; whole && k < expected[i].size(); ++k) {
            const double difference = double(got[i][k]) - double(expected[i][k]);
            apart += difference * difference;
            size += double(expected[i][k]) * double(expected[i][k]);
            result.largest = std::max(result.largest, std::abs(difference));
        }
    }
    result.difference = std::sqrt(apart) / std::max(std::sqrt(size), 1e-30);
    if (!whole || !std::isfinite(result.difference))
        result.difference = result.largest = std::numeric_limits<double>::infinity();
}

namespace {

std::vector<std::vector<int>> idsOf(StrictObject& object) {
    const auto* lists = object.list("ids");
    if (!lists || lists->empty()) object.fail("lists of ids were expected", "ids");
    std::vector<std::vector<int>> all;
    for (const auto& list : *lists) {
        std::vector<int>& one = all.emplace_back();
        for (const auto& id : list) {
            if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 100'000'000)
                object.fail("ids from 0 were expected, got " + id.dump(), "ids");
            one.push_back(id.get<int>());
        }
    }
    return all;
}

} // namespace

ExportedFolder ExportedFolder::open(const fs::path& folder) {
    const fs::path file = folder / exportReportName;
    std::error_code code;
    if (!fs::is_regular_file(file, code))
        throw Error(std::string("has no ") + exportReportName + ", so it is no export of Kurtoscope",
                    folder.string(), "Give a folder that `kurtoscope export` made");
    const std::string where = file.string();
    const auto json = parseStrictObject(readFile(file), where, hint);
    StrictObject report(json, where, "", hint);
    report.integer("schema", 1, 1);
    ExportedFolder made;
    made.path = folder;
    const auto& value = report.need("probe");
    if (value.is_null()) return made; // a target without a model, such as a recipe file
    StrictObject probe(value, where, "probe", hint);
    for (const auto& [way, tolerance] : probe.need("ways").items()) {
        if (!tolerance.is_number() && tolerance != "inf")
            probe.fail("a tolerance was expected for " + way, "ways");
        made.checks.push_back(
            {way, tolerance.is_number() ? tolerance.get<double>() : std::numeric_limits<double>::infinity()});
    }
    made.probe.ids = idsOf(probe);
    const auto fileNamed = [](StrictObject& object, const char* key) {
        const std::string name = object.text(key, 200);
        if (name.find('/') != std::string::npos)
            object.fail("the name of a file in the folder was expected", key);
        return name;
    };
    const std::string name = fileNamed(probe, "answers");
    if (probe.has("steps")) {
        StrictObject steps = probe.object("steps");
        made.steps = folder / fileNamed(steps, "tensors");
    }
    const auto tensors = TensorFile::openSafetensors(folder / name);
    const auto valuesOf = [&](const char* kind, std::size_t number) {
        const std::string called = kind + std::to_string(number);
        const StoredTensor* answer = tensors->find(called);
        if (!answer) throw Error("has no tensor " + called, (folder / name).string(), hint);
        std::vector<float> values(static_cast<std::size_t>(answer->elements()));
        dequantize(*answer, values);
        return values;
    };
    for (std::size_t i = 0; i < made.probe.ids.size(); ++i) {
        made.probe.answers.push_back(valuesOf(answerName, i));
        made.probe.shapes.push_back(tensors->find(answerName + std::to_string(i))->shape);
    }
    if (!probe.has("libtorch")) return made;
    StrictObject other = probe.object("libtorch");
    made.probe.textIds = idsOf(other);
    for (std::size_t i = 0; i < made.probe.textIds.size(); ++i)
        made.probe.byLibTorch.push_back(valuesOf(byLibTorchName, i));
    return made;
}

void addChecks(const fs::path& report, const std::vector<CheckResult>& results) {
    using Json = nlohmann::ordered_json;
    Json json = Json::parse(readFile(report), nullptr, false);
    if (!json.is_object()) throw Error("is no JSON object", report.string(), hint);
    Json kept = Json::array();
    const auto isNew = [&](const Json& old) {
        for (const CheckResult& result : results)
            if (old.is_object() && old.value("way", "") == result.check.way) return false;
        return true;
    };
    if (json.contains("checks") && json.at("checks").is_array())
        for (const Json& old : json.at("checks"))
            if (isNew(old)) kept.push_back(old);
    for (const CheckResult& result : results)
        kept.push_back(checkJson(result));
    json["checks"] = std::move(kept);
    writeFileAtomically(report, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

} // namespace kurtoscope
