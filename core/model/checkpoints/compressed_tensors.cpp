// SPDX-License-Identifier: GPL-3.0-or-later
// compressed-tensors checkpoints (github.com/vllm-project/compressed-tensors, 0.20): integer, FP8, NVFP4 and
// MXFP4 weights, and this program's own kept channels beside them.
#include "core/base/atomic_file.h"
#include "core/data/recipe.h"
#include "core/data/strict_json.h"
#include "core/model/block_formats.h"
#include "core/model/checkpoints/compressed_decoders.h"
#include "core/model/checkpoints/compressed_recipe.h"
#include "core/model/checkpoints/outlier_side_car.h"
#include "core/model/module_targets.h"
#include "core/model/stored_quantization.h"

#include <algorithm>
#include <optional>
#include <set>

namespace kurtoscope {
namespace {

using nlohmann::json;

constexpr const char* hint = "See the compressed-tensors library's QuantizationScheme for what it may hold";

using Arguments = CompressedArguments;

struct Group {
    std::string name;
    std::vector<std::string> targets;
    std::optional<Arguments> weights, activations;
};

bool isStrategyOf(const std::string& strategy, bool ofWeights) {
    const std::set<std::string> common{"tensor", "group", "tensor_group"};
    return common.contains(strategy) || strategy == (ofWeights ? "channel" : "token") ||
           (ofWeights && strategy == "block");
}

Arguments argumentsOf(const json& value, const std::string& where, const std::string& path, bool ofWeights) {
    StrictObject object(value, where, path, hint);
    Arguments made;
    if (object.has("num_bits")) made.bits = static_cast<int>(object.integer("num_bits", 1, 8));
    const std::string type = object.has("type") ? object.text("type", 100) : "int";
    if (type != "int" && type != "float") object.fail("int or float was expected, got " + type, "type");
    made.isFloat = type == "float";
    if (object.has("symmetric")) made.symmetric = object.flag("symmetric");
    if (const json* dynamic = object.find("dynamic"); dynamic && !dynamic->is_null()) {
        if (!dynamic->is_boolean() && *dynamic != "local")
            object.fail("true, false or \"local\" was expected, got " + dynamic->dump(), "dynamic");
        made.dynamic = *dynamic == true;
    }
    if (const json* group = object.find("group_size"); group && !group->is_null())
        made.group = static_cast<int>(object.integer("group_size", 1, 1 << 24));
    const json* strategy = object.find("strategy");
    made.strategy = strategy && !strategy->is_null() ? object.text("strategy", 100)
                    : made.group > 0                 ? "group"
                                                     : "tensor";
    if (!isStrategyOf(made.strategy, ofWeights))
        object.fail("\"" + made.strategy + "\" is not supported for " +
                        (ofWeights ? "weights" : "activations"),
                    "strategy");
    if (made.strategy == "block") {
        const json* sizes = object.list("block_structure");
        const auto isSize = [](const json& size) {
            return size.is_number_unsigned() && size.get<std::uint64_t>() >= 1 &&
                   size.get<std::uint64_t>() <= 1 << 24;
        };
        if (!sizes || sizes->size() != 2 || !std::all_of(sizes->begin(), sizes->end(), isSize))
            object.fail("two sizes were expected with strategy block", "block_structure");
        made.blockRows = sizes->at(0), made.blockColumns = sizes->at(1);
    }
    if (made.strategy.ends_with("group") && made.group == 0)
        object.fail("a group size was expected with strategy " + made.strategy, "group_size");
    if (made.isFloat && made.bits != 8 && made.bits != 4)
        object.fail("4 or 8 bits were expected of a float, got " + std::to_string(made.bits), "num_bits");
    for (const char* record :
         {"block_structure", "actorder", "observer", "observer_kwargs", "scale_dtype", "zp_dtype"})
        object.find(record);
    object.finish();
    return made;
}

std::string sideText(const std::optional<Arguments>& side, const char* name) {
    if (!side) return std::string("float ") + name;
    std::string text = (side->isFloat ? "fp" : "int") + std::to_string(side->bits) + " " + name + " per " +
                       (side->group > 0 ? "group of " + std::to_string(side->group) : side->strategy);
    if (std::string_view(name) == "activations") text += side->dynamic ? ", dynamic" : ", static";
    return text + (side->symmetric ? "" : ", asymmetric");
}

class Opening {
public:
    Opening(const ConfigJson& config, std::shared_ptr<const TensorFile> file,
            const std::filesystem::path& folder)
        : config_(config), file_(std::move(file)), folder_(folder) {}

    OpenedCheckpoint open() {
        // llm-compressor writes empty ones.
        if (holds("transform_config"))
            fail("holds rotations that are applied at run time, which is not supported", "transform_config",
                 "Open a checkpoint whose rotations are folded into its weights");
        if (holds("sparsity_config") && config_.json().at("sparsity_config").value("format", "") != "dense")
            fail("holds weights whose zeros are left out, which is not supported", "sparsity_config",
                 "Open a checkpoint that is not stored as a sparse one");
        readGroups();
        const auto sideCar = OutlierSideCar::open(folder_);
        std::vector<StoredTensor> tensors;
        std::set<std::string> parts;
        readCache(parts);
        for (const StoredTensor& tensor : file_->tensors()) {
            if (!tensor.name.ends_with(".weight_scale")) continue;
            const std::string module =
                tensor.name.substr(0, tensor.name.size() - std::string_view(".weight_scale").size());
            tensors.push_back(weightOf(module, sideCar.get(), parts));
        }
        if (tensors.empty())
            fail("names groups, but the file has no quantized weight (no …weight_scale)", "config_groups",
                 "Download weights and config.json again, from the same place");
        for (const StoredTensor& tensor : file_->tensors()) {
            if (parts.contains(tensor.name)) continue;
            const bool isInteger = tensor.type == StoredType::I8 || tensor.type == StoredType::U8 ||
                                   tensor.type == StoredType::F8_E4M3;
            if (tensor.name.ends_with(".weight_packed") || (tensor.name.ends_with(".weight") && isInteger))
                fail(tensor.name + " is " + storedTypeName(tensor.type) +
                         ", but has no weight_scale beside it",
                     "config_groups", "Download weights and config.json again, from the same place");
            tensors.push_back(tensor);
        }
        made_.stored.method = "compressed-tensors";
        made_.stored.summary = summary();
        made_.stored.recipe = recipe();
        made_.file = std::make_shared<DecodedTensors>(file_, std::move(tensors));
        return std::move(made_);
    }

private:
    [[noreturn]] void fail(const std::string& what, const std::string& key, const std::string& todo) const {
        throw Error(what, config_.where() + ", " + key, todo);
    }

    bool holds(const char* key) const { return config_.has(key) && !config_.json().at(key).empty(); }

    void readGroups() {
        if (!config_.has("config_groups") || !config_.json().at("config_groups").is_object())
            fail("an object of groups was expected", "config_groups", hint);
        for (const auto& [name, value] : config_.json().at("config_groups").items()) {
            const std::string path = "config_groups." + name;
            StrictObject object(value, config_.where(), path, hint);
            Group group{name, {}, {}, {}};
            const json* targets = object.list("targets");
            if (!targets) object.need("targets");
            for (const json& target : *targets) {
                if (!target.is_string())
                    object.fail("text was expected, got " + std::string(target.type_name()), "targets");
                group.targets.push_back(target.get<std::string>());
                checkTarget(group.targets.back(), config_.where() + ", " + path + ".targets");
            }
            if (const json* side = object.find("weights"); side && !side->is_null())
                group.weights = argumentsOf(*side, config_.where(), path + ".weights", true);
            if (const json* side = object.find("input_activations"); side && !side->is_null())
                group.activations = argumentsOf(*side, config_.where(), path + ".input_activations", false);
            if (const json* side = object.find("output_activations"); side && !side->is_null())
                object.fail("rounded outputs are not supported", "output_activations");
            object.find("format");
            object.finish();
            groups_.push_back(std::move(group));
        }
        std::sort(groups_.begin(), groups_.end(),
                  [](const Group& a, const Group& b) { return a.name < b.name; });
    }

    const Group& groupOf(const std::string& module) const {
        std::vector<std::vector<std::string>> targets;
        for (const Group& group : groups_)
            targets.push_back(group.targets);
        int lands = landsIn(module, targets);
        for (std::size_t i = 0; lands < 0 && i < groups_.size(); ++i) // class names come last
            if (std::find(groups_[i].targets.begin(), groups_[i].targets.end(), "Linear") !=
                groups_[i].targets.end())
                lands = static_cast<int>(i);
        if (lands < 0)
            fail("none of the groups' targets matches " + module + ", whose weight is quantized",
                 "config_groups", "Its targets must name the modules of this file");
        return groups_[static_cast<std::size_t>(lands)];
    }

    const StoredTensor& part(const std::string& module, const char* name,
                             std::set<std::string>& parts) const {
        const StoredTensor* tensor = file_->find(module + "." + name);
        if (!tensor)
            fail(module + " has no tensor \"" + name + "\"", "config_groups",
                 "Download weights and config.json again, from the same place");
        parts.insert(tensor->name);
        return *tensor;
    }

    // Keys and values as the cache holds them: a static scale for each, beside the attention's projections.
    void readCache(std::set<std::string>& parts) {
        if (!config_.has("kv_cache_scheme")) return;
        const Arguments args =
            argumentsOf(config_.json().at("kv_cache_scheme"), config_.where(), "kv_cache_scheme", false);
        if (args.dynamic || args.strategy != "tensor" || !args.symmetric ||
            (args.isFloat && args.bits != 8)) {
            made_.stored.warnings.push_back(
                "The checkpoint rounds keys and values in the cache otherwise than in one static symmetric "
                "range (kv_cache_scheme): they are shown as they are before that");
            return;
        }
        for (const StoredTensor& tensor : file_->tensors())
            for (const auto& [ending, projection] :
                 {std::pair(".k_scale", ".k_proj"), std::pair(".v_scale", ".v_proj")}) {
                if (!tensor.name.ends_with(ending)) continue;
                parts.insert(tensor.name);
                StoredActivation made;
                made.bits = args.bits;
                if (args.isFloat) made.numbers = StoredActivation::Numbers::e4m3;
                made.scale = scalar(tensor);
                if (!(made.scale > 0))
                    fail(tensor.name + " is " + std::to_string(made.scale) + ", expected a number above 0",
                         "kv_cache_scheme", "Download the weights again");
                const std::string module =
                    tensor.name.substr(0, tensor.name.size() - std::string_view(ending).size());
                made_.stored.outputs[module + projection] = made;
            }
        if (made_.stored.outputs.empty())
            fail("names a scheme, but the file has no scale for keys or values (no …k_scale)",
                 "kv_cache_scheme", "Download weights and config.json again, from the same place");
    }

    StoredTensor weightOf(const std::string& module, const OutlierSideCar* sideCar,
                          std::set<std::string>& parts) {
        const Group& group = groupOf(module);
        if (!group.weights)
            fail(group.name + " leaves weights in floating point, but " + module + " has a weight_scale",
                 "config_groups", "Download weights and config.json again, from the same place");
        const Arguments& args = *group.weights;
        CompressedParts stored;
        stored.module = module, stored.where = config_.where();
        stored.bits = args.bits, stored.group = args.group, stored.symmetric = args.symmetric;
        stored.blockRows = args.blockRows, stored.blockColumns = args.blockColumns;
        const auto optional = [&](const char* name) { return file_->find(module + "." + name); };
        const bool packed = optional("weight_packed") != nullptr;
        stored.values = &part(module, packed ? "weight_packed" : "weight", parts);
        stored.scale = &part(module, "weight_scale", parts);
        if (packed && !args.isFloat) stored.shape = &part(module, "weight_shape", parts);
        if (!args.symmetric) stored.zero = &part(module, "weight_zero_point", parts);
        if (args.isFloat && args.bits == 4 && args.strategy == "tensor_group")
            stored.globalScale = &part(module, "weight_global_scale", parts);
        for (const char* left :
             {"weight_zero_point", "input_scale", "input_zero_point", "input_global_scale", "weight_g_idx"})
            if (const StoredTensor* tensor = optional(left)) parts.insert(tensor->name);
        if (optional("weight_g_idx"))
            fail(module + " has a weight_g_idx (columns in another order), which is not supported",
                 "config_groups", "Open a checkpoint without activation order by group");
        auto decoder = args.isFloat && args.bits == 8 ? makeFp8Decoder(stored)
                       : args.isFloat                 ? makeFp4Decoder(stored)
                       : packed                       ? makePackedDecoder(stored)
                                                      : makeIntegerDecoder(stored);
        const auto kept = sideCar ? sideCar->find(module) : nullptr;
        StoredTensor weight{module + ".weight", stored.values->type, decoder.shape, stored.values->bytes,
                            decoder.values};
        if (kept) weight.decoder = withColumns(weight.decoder, weight.shape, kept, module);
        if (group.activations)
            made_.stored.inputs[module] = activationOf(module, *group.activations, parts, kept.get());
        ++members_[group.name];
        return weight;
    }

    float scalar(const StoredTensor& tensor) const {
        if (tensor.elements() != 1)
            fail(tensor.name + " has shape " + shapeText(tensor.shape) + ", expected one value",
                 "config_groups", "Download the weights again");
        float value = 0;
        dequantize(tensor, {&value, 1});
        return value;
    }

    StoredActivation activationOf(const std::string& module, const Arguments& args,
                                  std::set<std::string>& parts, const OutlierColumns* kept) {
        StoredActivation made;
        made.bits = args.bits, made.group = args.group, made.symmetric = args.symmetric,
        made.dynamic = args.dynamic;
        made.sharing = args.strategy == "token"   ? StoredActivation::Sharing::token
                       : args.strategy == "group" ? StoredActivation::Sharing::group
                                                  : StoredActivation::Sharing::tensor;
        if (args.isFloat)
            made.numbers =
                args.bits == 8 ? StoredActivation::Numbers::e4m3 : StoredActivation::Numbers::nvfp4;
        if (made.sharing == StoredActivation::Sharing::group && !args.dynamic)
            fail("static activation scales per group are not supported", "config_groups", hint);
        if (kept) made.kept = kept->channels;
        if (args.dynamic) return made;
        if (made.numbers == StoredActivation::Numbers::nvfp4) {
            const float global = scalar(part(module, "input_global_scale", parts));
            made.scale = global != 0 ? 1 / global : 1;
            return made;
        }
        made.scale = scalar(part(module, "input_scale", parts));
        if (!(made.scale > 0))
            fail(module + ".input_scale is " + std::to_string(made.scale) + ", expected a number above 0",
                 "config_groups", "Download the weights again");
        if (!args.symmetric) made.zero = scalar(part(module, "input_zero_point", parts));
        return made;
    }

    // Of a folder that this program wrote, the recipe it was made by; else the nearest to the largest group.
    std::string recipe() {
        const std::filesystem::path report = folder_ / "kurtoscope_export.json";
        std::error_code code;
        if (std::filesystem::is_regular_file(report, code)) {
            try {
                const auto json = parseStrictObject(readFile(report), report.string(), "Export again");
                if (json.contains("recipe"))
                    return Recipe::fromJson(json.at("recipe").dump(), report.string()).toJson();
            } catch (const Error& error) {
                made_.stored.warnings.push_back("The recipe that this export was made by cannot be read: " +
                                                std::string(error.what()));
            }
        }
        const Group* largest = nullptr;
        for (const Group& group : groups_)
            if (members_.contains(group.name) &&
                (!largest || members_.at(group.name) > members_.at(largest->name)))
                largest = &group;
        std::string nearest = largest ? nearestRecipe(*largest->weights, largest->activations) : "";
        if (nearest.empty() || made_.stored.outputs.empty()) return nearest;
        const StoredActivation& cache = made_.stored.outputs.begin()->second;
        return nearest + "+kv-cache:ranges=static," +
               (cache.numbers == StoredActivation::Numbers::integer ? "bits=" + std::to_string(cache.bits)
                                                                    : "format=fp8");
    }

    std::string summary() const {
        std::string text;
        std::set<std::string> said;
        for (const Group& group : groups_) {
            const std::string one =
                sideText(group.weights, "weights") + ", " + sideText(group.activations, "activations");
            if (said.insert(one).second) text += (text.empty() ? "" : "; ") + one;
        }
        return text;
    }

    const ConfigJson& config_;
    std::shared_ptr<const TensorFile> file_;
    std::filesystem::path folder_;
    std::vector<Group> groups_;
    std::map<std::string, int> members_;
    OpenedCheckpoint made_;
};

class CompressedTensorsReader : public CheckpointReader {
public:
    std::string_view id() const override { return "compressed-tensors"; }
    OpenedCheckpoint open(const ConfigJson& config, std::shared_ptr<const TensorFile> file,
                          const std::filesystem::path& folder) const override {
        return Opening(config, std::move(file), folder).open();
    }
};

const Registration<CheckpointReader, CompressedTensorsReader> registration;

} // namespace
} // namespace kurtoscope
