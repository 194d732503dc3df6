// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/run_options.h"
#include "core/model/safetensors_writer.h"

#include <CLI/CLI.hpp>
#include <ostream>

namespace kurtoscope::commands {
namespace {

class Predict : public Command {
public:
    std::string_view id() const override { return "predict"; }
    std::string_view summary() const override {
        return "Runs a model over one text: tokens, likeliest outputs, logits";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        auto* text = app.add_option("--text", text_, "Text to run over (this or --ids)")->type_name("T");
        app.add_option("--ids", ids_, "Token ids to run over, separated by commas (this or --text)")
            ->delimiter(',')
            ->check(atLeast(0))
            ->type_name("1,2,3")
            ->allow_extra_args(false)
            ->excludes(text);
        recipe_.declare(app, RecipeOptions::Number::one, false);
        app.add_option("--calibration", calibration_.path,
                       "Text from which a recipe with keep= takes its channels")
            ->type_name("FILE");
        app.add_option("--top", top_, "How many of the likeliest outputs to name")
            ->check(atLeast(1))
            ->type_name("N")
            ->capture_default_str();
        app.add_option("--logits", logits_,
                       "Write logits and last_hidden_state as float32 tensors (safetensors)")
            ->type_name("FILE");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        if (text_.empty() && ids_.empty())
            throw UsageError("one of --text and --ids is required", "predict", "Add --text \"some words\"");
        Recipe recipe = recipe_.recipes({"fp32"}).front();
        if (!recipe.keep.empty() && calibration_.path.empty())
            throw UsageError("keep=" + recipe.keep + " needs data to choose channels from",
                             recipe_.names().front(), "Add --calibration FILE");
        model_.check();
        if (!calibration_.path.empty()) calibration_.calibrationPath = calibration_.path;
        json_.checkTarget();
        if (!logits_.empty()) checkWritable(logits_);

        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        recipe_.validate(workbench, {recipe});
        if (!recipe.keep.empty())
            recipe = workbench.resolveKeep(recipe, calibration_, stop, progress.callback());
        const auto result =
            workbench.predict(text_, ids_, recipe, top_, calibration_.path.empty() ? nullptr : &calibration_);
        if (stop.stop_requested()) throw Cancelled();

        if (!logits_.empty()) {
            std::vector<TensorToWrite> tensors;
            if (!result.logits.empty()) tensors.push_back({"logits", result.logitsShape, result.logits});
            tensors.push_back({"last_hidden_state", result.hiddenShape, result.hidden});
            writeSafetensors(logits_, tensors);
        }
        print(json_.human(), result.prediction);
        if (!json_.wanted()) return 0;
        Json top = Json::array();
        for (const auto& candidate : result.prediction.top)
            top.push_back({{"id", candidate.id},
                           {"token", candidate.token},
                           {"probability", number(candidate.probability)}});
        json_.write({{"schema", 1},
                     {"model", workbench.model().name},
                     {"recipe", recipe_.names().front()},
                     {"device", workbench.deviceText()},
                     {"ids", result.prediction.ids},
                     {"tokens", result.prediction.tokens},
                     {"top", top}});
        return 0;
    }

private:
    static void print(std::ostream& out, const Prediction& prediction) {
        for (std::size_t i = 0; i < prediction.ids.size(); ++i)
            out << (i == 0 ? "" : " ") << prediction.ids[i]
                << (i < prediction.tokens.size() ? "·" + prediction.tokens[i] : "");
        out << '\n';
        if (prediction.top.empty()) return;
        Table table({{"likeliest", false}, {"id"}, {"probability"}});
        for (const auto& candidate : prediction.top)
            table.add({candidate.token, std::to_string(candidate.id), percent(candidate.probability, 2)});
        table.print(out);
    }

    ModelOptions model_;
    RecipeOptions recipe_;
    JsonOutput json_;
    DataRequest calibration_;
    std::string text_, logits_;
    std::vector<int> ids_;
    int top_ = 5;
};

} // namespace

const Registration<Command, Predict> predictRegistration;

} // namespace kurtoscope::commands
