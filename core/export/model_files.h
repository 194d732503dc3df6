// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"
#include "core/export/tensor_writer.h"

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// The model's config.json, for the class that the weights are for, in float32 and without an earlier
// quantization. Of a GGUF file, made from its metadata. Throws Error for what Hugging Face's class of the
// family has no word for.
nlohmann::ordered_json modelConfig(const ExportSubject& subject);

// Every tensor of the model but those named in `without`: as the file stores it where it holds floats and
// nothing reshaped it, else in float32. Tensors that the file has and no architecture reads go along.
std::vector<PlannedTensor> modelTensors(const ExportSubject& subject, const std::set<std::string>& without);

// What else belongs to a model folder: tokenizer, generation settings, pooling; of a GGUF file, its tokenizer
// as far as it can be said exactly. Returns sentences on what could not.
std::vector<std::string> writeModelFiles(const ExportSubject& subject, ExportFolder& out);

// Whether each linear layer is a module of its own where Hugging Face's class loads it. GPT-2's are not:
// query, key and value are one, and weights lie the other way round (Conv1D).
bool linearsAreModules(const ExportSubject& subject);
// What a target that knows torch's Linear alone says of such a model; no sentence for any other.
void needLinears(const ExportSubject& subject, ExportPlan& plan);

// "AutoModelForCausalLM": what loads it.
std::string autoClassOf(const ExportSubject& subject);

} // namespace kurtoscope
