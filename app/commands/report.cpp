// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/report_page.h"
#include "app/commands/run_options.h"
#include "app/known_models.h"
#include "core/base/atomic_file.h"

#include <CLI/CLI.hpp>
#include <array>
#include <ctime>
#include <filesystem>
#include <iostream>

namespace kurtoscope::commands {
namespace {

// The first thing a newcomer should see: activations alone at 8 bits, with and without their outliers.
const std::vector<std::string> demonstration{
    "fp32", "w8a8:activation=per-tensor,dynamic=on,weight_bits=16",
    "w8a8:activation=per-tensor,dynamic=on,weight_bits=16,keep=auto"};

std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", ::localtime_r(&now, &parts));
    return text.data();
}

class ReportCommand : public Command {
public:
    std::string_view id() const override { return "report"; }
    std::string_view summary() const override {
        return "Compares recipes on the terminal and writes an HTML report with pictures";
    }

    void declare(CLI::App& app) override {
        model_.declare(app);
        data_.declare(app, DataOptions::Need::optional, true);
        recipes_.declare(app, RecipeOptions::Number::many, false);
        app.add_option("--html", html_, "The report: one file that needs nothing else")
            ->type_name("FILE")
            ->capture_default_str();
    }

    int run(std::stop_token stop) override {
        const std::vector<Recipe> recipes = recipes_.recipes(demonstration);
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
        writeFileAtomically(html_, reportPage(report));
        printTable(report);
        std::cout << "Report: " << std::filesystem::absolute(html_).lexically_normal().string() << '\n';
        return 0;
    }

private:
    void measure(Report& report, const std::vector<Recipe>& recipes, const std::stop_token& stop) {
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        report.model = workbench.model();
        report.data = workbench.describe(data_.request(), true, stop);
        progress.say(report.model.name + " · " + workbench.deviceText() + " · " + report.data.name + ", " +
                     report.data.summary);
        recipes_.validate(workbench, recipes);
        for (std::size_t i = 0; i < recipes.size(); ++i) {
            progress.setNote("recipe " + std::to_string(i + 1) + " of " + std::to_string(recipes.size()));
            ObserveRequest request;
            request.data = data_.request();
            request.recipe = recipes[i].keep.empty()
                                 ? recipes[i]
                                 : workbench.resolveKeep(recipes[i], request.data, stop, progress.callback());
            report.columns[i].name = recipes_.names()[i];
            report.columns[i].recipe = request.recipe;
            report.columns[i].observation = workbench.observe(request, stop, progress.callback());
        }
        progress.setNote("");
        EvaluateRequest request;
        request.data = data_.request();
        request.recipes = recipes;
        const auto readings = workbench.evaluate(request, stop, {}, progress.callback());
        for (std::size_t i = 0; i < readings.size(); ++i)
            report.columns[i].reading = readings[i];
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
                           {"Date", today()}};
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
    std::string html_ = "kurtoscope-report.html";
};

} // namespace

const Registration<Command, ReportCommand> reportRegistration;

} // namespace kurtoscope::commands
