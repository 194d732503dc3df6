// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/export/export_format.h"

#include <string>

namespace kurtoscope {

struct ExportProbe;
struct ExportSteps;

// kurtoscope_export.json: what was exported, from what, how, and what was checked since.
// `probe`: the texts that checks run over; `steps`: the text that is also compared layer by layer.
std::string exportReport(const ExportSubject& subject, const RecipePart& format, const ExportPlan& plan,
                         const ExportProbe& probe, const ExportSteps& steps);
// README.md of the folder, in Markdown.
std::string exportReadme(const ExportSubject& subject, const ExportFormatInfo& format,
                         const ExportPlan& plan);
// The model's licence and card into the folder, as LICENSE… and MODEL_CARD.md. Nothing where there is none.
void carryLicence(const ExportSubject& subject, ExportFolder& out);

} // namespace kurtoscope
