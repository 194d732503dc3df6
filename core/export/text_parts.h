// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"

#include <string>
#include <vector>

namespace kurtoscope {

// A pattern that matches a module's name whatever stands before it: "re:.*layers\.1\.mlp\.down_proj$".
std::string anchoredPattern(const std::string& module);

// The module that holds a linear layer where Hugging Face's class loads it: GPT-2's query, key and value are
// one.
std::string loadedModule(const Linear& linear);

// Linear layers that the recipe leaves whole: output heads, poolers, and those whose input stays in high
// precision.
std::vector<const Linear*> wholeLinears(const ExportSubject& subject);
std::vector<const Linear*> roundedLinears(const ExportSubject& subject);

// One sentence more; out of line, as GCC 12 warns wrongly of bounds where several are put in place.
void addLimit(ExportPlan& plan, std::string what, std::string nearest);

// load.py: a script that loads a model, named on its command line, with `config`; load(model) for others.
std::string loaderText(const std::string& fromTransformers, const std::string& config,
                       const std::string& autoClass, const std::string& more,
                       const std::string& imports = "");

// How a configuration is proved: by loading the model that was opened with it. Nothing where that is no
// folder that the library can open. What the plan's limits name makes a difference that is told, not judged.
void proveOnModel(const ExportSubject& subject, ExportPlan& plan, const char* way, double tolerance,
                  bool withText = false);

// Weights whose symmetric levels are others than the target's own, which have one more below or have not;
// `full` is the word by which a recipe takes the target's.
void limitLevels(const ExportSubject& subject, ExportPlan& plan, bool targetHasFull,
                 const std::string& full = "full");

// Rounding of what is no linear layer within the blocks: the output head, attention.
void limitModelParts(const ExportSubject& subject, ExportPlan& plan);
// What a configuration without numbers cannot say of any recipe: kept channels, ranges, transforms, single
// sites' bits.
void limitChoice(const ExportSubject& subject, ExportPlan& plan, const std::string& insteadOfKept);

} // namespace kurtoscope
