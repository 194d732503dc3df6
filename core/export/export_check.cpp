// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/export_check.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/data/strict_json.h"
#include "core/export/export_folder.h"
#include "core/model/safetensors_writer.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

constexpr const char* hint = "Export again with this version of Kurtoscope";
constexpr int longestProbe = 16, probes = 2;
constexpr const char* probeTexts[probes] = {
    "In 1984 the old lighthouse keeper counted forty-two ships, and none of them came back before the storm.",
    "A function that calls itself must end somewhere; this one ends when nothing is left to be counted."};

std::vector<std::vector<int>> probeIds(const ExportSubject& subject, std::uint64_t seed) {
    const ModelInfo& info = subject.base.info();
    const auto length = static_cast<std::size_t>(std::min(longestProbe, info.maxLength));
    std::vector<std::vector<int>> all;
    std::mt19937_64 random(seed);
    for (const char* text : probeTexts) {
        std::vector<int> ids;
        if (subject.folder.tokenizer) ids = subject.folder.tokenizer->encode(text, true, length).ids;
        while (ids.size() < std::min<std::size_t>(4, length)) // no tokenizer, or one that knows no words
            ids.push_back(static_cast<int>(random() % std::uint64_t(info.vocabulary)));
        all.push_back(std::move(ids));
    }
    return all;
}

} // namespace

ExportProbe makeProbe(const ExportSubject& subject, c10::Device device, std::uint64_t seed,
                      std::stop_token stop) {
    ExportProbe probe;
    probe.ids = probeIds(subject, seed);
    for (const auto& ids : probe.ids) {
        throwIfStopped(stop);
        Batch batch;
        batch.ids = ids;
        batch.sequences = 1;
        batch.length = static_cast<int>(ids.size());
        batch.lengths = {batch.length};
        batch.windows = {0};
        Pass pass(batch, device, nullptr, subject.arithmetic, stop);
        const at::Tensor hidden = subject.model().hidden(pass), logits = subject.model().head(pass, hidden);
        const at::Tensor answer =
            (logits.defined() ? logits : hidden).squeeze(0).to(at::kCPU, at::kFloat).contiguous();
        probe.shapes.push_back(answer.sizes().vec());
        probe.answers.emplace_back(answer.const_data_ptr<float>(),
                                   answer.const_data_ptr<float>() + answer.numel());
    }
    return probe;
}

void ExportProbe::write(ExportFolder& out) const {
    std::vector<TensorToWrite> tensors;
    for (std::size_t i = 0; i < answers.size(); ++i)
        tensors.push_back({"answer." + std::to_string(i), shapes[i], answers[i]});
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
    const auto& value = report.need("probe");
    if (value.is_null()) return made; // a target without a model, such as a recipe file
    StrictObject probe(value, where, "probe", hint);
    for (const auto& [way, tolerance] : probe.need("ways").items()) {
        if (!tolerance.is_number() && tolerance != "inf")
            probe.fail("a tolerance was expected for " + way, "ways");
        made.checks.push_back(
            {way, tolerance.is_number() ? tolerance.get<double>() : std::numeric_limits<double>::infinity()});
    }
    const auto* ids = probe.list("ids");
    if (!ids || ids->empty()) probe.fail("lists of ids were expected", "ids");
    for (const auto& list : *ids) {
        std::vector<int> one;
        for (const auto& id : list) {
            if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 100'000'000)
                probe.fail("ids from 0 were expected, got " + id.dump(), "ids");
            one.push_back(id.get<int>());
        }
        made.probe.ids.push_back(std::move(one));
    }
    const std::string name = probe.text("answers", 200);
    if (name.find('/') != std::string::npos)
        probe.fail("the name of a file in the folder was expected", "answers");
    const auto tensors = TensorFile::openSafetensors(folder / name);
    for (std::size_t i = 0; i < made.probe.ids.size(); ++i) {
        const StoredTensor* answer = tensors->find("answer." + std::to_string(i));
        if (!answer) throw Error("has no tensor answer." + std::to_string(i), (folder / name).string(), hint);
        std::vector<float> values(static_cast<std::size_t>(answer->elements()));
        dequantize(*answer, values);
        made.probe.shapes.push_back(answer->shape);
        made.probe.answers.push_back(std::move(values));
    }
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
    for (const CheckResult& result : results) {
        Json entry{{"way", result.check.way},
                   {"versions", result.versions},
                   {"tolerance", realJson(result.check.tolerance)}};
        if (result.ran()) {
            entry["difference"] = realJson(result.difference);
            entry["largest"] = realJson(result.largest);
            entry["passed"] = result.passed();
        } else {
            entry["skipped"] = result.skipped;
        }
        kept.push_back(std::move(entry));
    }
    json["checks"] = std::move(kept);
    writeFileAtomically(report, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

} // namespace kurtoscope
