// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/embedded_files.h"
#include "core/export/export_folder.h"
#include "core/export/export_format.h"

namespace kurtoscope {
namespace {

// The choice itself, without a weight.
class RecipeFile : public ExportFormat {
public:
    const ExportFormatInfo& info() const override {
        static const ExportFormatInfo info{{"recipe",
                                            "Recipe file",
                                            "the whole choice as JSON, with its schema; no weights",
                                            "Kurtoscope",
                                            {}},
                                           false};
        return info;
    }
    ExportPlan plan(const ExportSubject& subject, const Told&) const override {
        ExportPlan plan;
        plan.bytes =
            static_cast<std::int64_t>(subject.recipe.toJson().size() + embeddedFile(schemaName).size());
        plan.expectedDifference = "none: the same recipe on the same model and calibration text";
        if (!subject.recipe.keep.empty())
            plan.notes.push_back("Its channels are still to be chosen (keep=" + subject.recipe.keep +
                                 "): whoever runs it needs a calibration text.");
        else if (subject.plan.needsCalibration())
            plan.notes.push_back("Ranges are not in it: whoever runs it needs a calibration text.");
        plan.loading =
            "```\nkurtoscope evaluate MODEL --data FILE --recipe recipe.json\n```\n\n"
            "The window opens it too: **Columns ▸ Edit recipe…** takes its text. `recipe.schema.json` "
            "says what each key means.\n";
        return plan;
    }
    void write(const ExportSubject& subject, const Told&, const ExportPlan&,
               ExportFolder& out) const override {
        out.write("recipe.json", subject.recipe.toJson());
        out.write(schemaName, embeddedFile(schemaName));
    }

private:
    static constexpr const char* schemaName = "recipe.schema.json";
};

const Registration<ExportFormat, RecipeFile> registration;

} // namespace
} // namespace kurtoscope
