// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/report_page.h"
#include "app/commands/run_options.h"
#include "app/first_recipes.h"
#include "app/known_models.h"
#include "core/data/fingerprint.h"
#include "core/data/saved_session.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

namespace kurtoscope::commands {
namespace {

class ReportCommand : public Command {
public:
    std::string_view id() const override { return "report"; }
    std::string_view summary() const override {
        return "Compares recipes, or those of a saved session, and writes a report with pictures";
    }

    void declare(CLI::App& app) override {
        model_.declare(app, "MODEL", "; or a session (FILE.kurtoscope.json), with its data and columns");
        data_.declare(app, DataOptions::Need::optional, true);
        recipes_.declare(app, RecipeOptions::Number::many, false);
        app.add_option("--out,--html", html_, "The report: one file that needs nothing else, .html or .pdf")
            ->type_name("FILE")
            ->capture_default_str();
    }

    int run(std::stop_token stop) override {
        checkReportName(html_);
        std::vector<Recipe> recipes;
        if (model_.given().ends_with(sessionSuffix))
            recipes = takeSession();
        else
            recipes = recipes_.recipes(
                {FirstRecipes::plain, FirstRecipes::perTensor, FirstRecipes::kept});
        names_ = session_ ? names_ : recipes_.names();
        data_.setDefaultPath(resourceFile("demo_text.txt"));
        if (data_.request().path.empty())
            throw UsageError("no data to run over", "--data", "Name a text file with --data");
        model_.check();
        data_.check();
        checkWritable(html_);

        Report report;
        report.columns.resize(recipes.size());
        measure(report, recipes, stop);
        if (stop.stop_requested()) throw Cancelled();
        writeReport(report, html_);
        printTable(report);
        std::cout << "Report: " << std::filesystem::absolute(html_).lexically_normal().string() << '\n';
        return 0;
    }

private:
    // Everything that a session says, in place of options.
    std::vector<Recipe> takeSession() {
        const std::string file = model_.given();
        if (recipes_.isGiven() || !data_.request().path.empty())
            throw UsageError("a session holds its own data and columns", file,
                             "Leave out --data and --recipe");
        session_ = readSession(file);
        std::error_code code;
        std::filesystem::path path = session_->modelPath;
        if (!std::filesystem::exists(path, code))
            path = std::filesystem::absolute(file).parent_path() / path.filename();
        if (session_->modelPath.empty() || !std::filesystem::exists(path, code))
            throw Error(
                "the session's model is not there any more", session_->modelPath,
                "Open the session in the window, point at the model with File > Locate model… and save");
        model_.set(path.string(), session_->results.seed);
        data_.set(session_->data);
        std::vector<Recipe> recipes;
        for (const auto& column : session_->columns) {
            Workbench::checkWords(column.recipe);
            names_.push_back(column.name);
            recipes.push_back(column.recipe);
        }
        return recipes;
    }

    // What the session holds already is not measured again where it is of this model, data, program and
    // machine.
    bool takeSaved(Report& report, const Workbench& workbench) const {
        if (!session_) return false;
        Provenance now{fingerprint(report.model.path),
                       fingerprint(data_.request().path),
                       Workbench::version(),
                       workbench.deviceText(),
                       model_.seed(),
                       {}};
        if (!data_.request().calibrationPath.empty())
            now.dataPrint += '+' + fingerprint(data_.request().calibrationPath);
        const bool all = std::all_of(session_->columns.begin(), session_->columns.end(),
                                     [](const SavedColumn& column) { return column.reading.has_value(); });
        if (!all || !session_->results.agrees(now)) return false;
        for (std::size_t i = 0; i < report.columns.size(); ++i)
            report.columns[i].reading = *session_->columns[i].reading;
        report.note = "Numbers of the session file, taken " + session_->results.taken + ".";
        return true;
    }

    void measure(Report& report, const std::vector<Recipe>& recipes, const std::stop_token& stop) {
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        report.model = workbench.model();
        report.data = workbench.describe(data_.request(), true, stop);
        progress.say(report.model.name + " · " + workbench.deviceText() + " · " + report.data.name + ", " +
                     report.data.summary);
        if (session_)
            for (const Recipe& recipe : recipes)
                workbench.validate(recipe);
        else
            recipes_.validate(workbench, recipes);
        for (std::size_t i = 0; i < recipes.size(); ++i) {
            progress.setNote("recipe " + std::to_string(i + 1) + " of " + std::to_string(recipes.size()));
            ObserveRequest request;
            request.data = data_.request();
            request.recipe = recipes[i].keep.empty()
                                 ? recipes[i]
                                 : workbench.resolveKeep(recipes[i], request.data, stop, progress.callback());
            report.columns[i].name = names_[i];
            report.columns[i].recipe = request.recipe;
            report.columns[i].observation = workbench.observe(request, stop, progress.callback());
        }
        progress.setNote("");
        if (!takeSaved(report, workbench)) {
            EvaluateRequest request;
            request.data = data_.request();
            request.recipes = recipes;
            const auto readings = workbench.evaluate(request, stop, {}, progress.callback());
            for (std::size_t i = 0; i < readings.size(); ++i)
                report.columns[i].reading = readings[i];
        }
        report.settings = {{"Data", report.data.name + ", " + report.data.summary},
                           {"Task", report.data.task},
                           {"Window length", std::to_string(data_.request().length) + " tokens"},
                           {"Calibration", data_.request().calibrationPath.empty()
                                               ? std::to_string(data_.request().calibrationWindows) +
                                                     " windows after those run"
                                               : data_.request().calibrationPath},
                           {"Seed", std::to_string(model_.seed())},
                           {"Hardware", workbench.deviceText()},
                           {"Kurtoscope", Workbench::version()},
                           {"Date", nowForPeople()}};
    }

    static void printTable(const Report& report) {
        std::vector<std::string> names;
        std::vector<Reading> readings;
        for (const auto& column : report.columns) {
            names.push_back(column.name);
            readings.push_back(column.reading);
        }
        readingTable(readingCells(names, readings)).print(std::cout);
        std::cout << '\n';
    }

    ModelOptions model_;
    DataOptions data_;
    RecipeOptions recipes_;
    std::vector<std::string> names_;
    std::optional<SavedSession> session_;
    std::string html_ = "kurtoscope-report.html";
};

} // namespace

const Registration<Command, ReportCommand> reportRegistration;

} // namespace kurtoscope::commands
