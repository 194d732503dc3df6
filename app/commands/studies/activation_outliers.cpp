// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/published_study.h"
#include "app/commands/run_options.h"
#include "app/commands/study_page.h"
#include "core/base/atomic_file.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <ostream>

namespace kurtoscope::commands {
namespace {

class ActivationOutliers : public PublishedStudy {
public:
    std::string_view id() const override { return "activation-outliers"; }
    std::string_view summary() const override {
        return "arXiv 2603.04308, after Bondarenko et al. 2021: W8A8 on your model, and what rescues it";
    }

    void declare(CLI::App& app) override {
        model_.declare(app, "--model");
        data_.declare(app, DataOptions::Need::required, true);
        app.add_option("--bits", bits_,
                       "Bits of an activation; fewer than the paper's 8 where a model's outliers are milder")
            ->check(CLI::Range(2, 8))
            ->type_name("B")
            ->capture_default_str();
        app.add_option("--weight-bits", weightBits_, "Bits of a weight, per-channel; 16 leaves weights alone")
            ->check(CLI::IsMember({2, 3, 4, 5, 6, 7, 8, 16}))
            ->type_name("B")
            ->capture_default_str();
        app.add_option("--groups", groups_, "Numbers of embedding groups to try")
            ->check(atLeast(1))
            ->type_name("K")
            ->capture_default_str();
        app.add_option("--report", report_,
                       "Write index.html with the table, the claims and the figures here")
            ->type_name("DIR");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        model_.check();
        data_.check();
        json_.checkTarget();
        makeFolder();
        Study study;
        study.groups = groups_;
        study.rows = studyRows(bits_, weightBits_, groups_);
        EvaluateRequest request;
        request.data = data_.request();
        for (const StudyRow& row : study.rows)
            request.recipes.push_back(Recipe::parse(row.recipe));
        ProgressLine progress;
        Workbench workbench = model_.open(progress, stop);
        study.model = workbench.model();
        study.data = workbench.describe(request.data, true, stop);
        progress.say(study.model.name + " · " + workbench.deviceText() + " · " + study.data.name + ", " +
                     study.data.summary);
        for (const Recipe& recipe : request.recipes)
            workbench.validate(recipe);
        ObserveRequest observe;
        observe.data = data_.request();
        observe.data.windows = std::min(study.data.windows, 16);
        study.plain = workbench.observe(observe, stop, progress.callback());
        const auto note = [&](const Reading& reading) {
            if (reading.column == 1) progress.setNote("per-tensor " + figure(reading.score));
        };
        study.readings = workbench.evaluate(request, stop, note, progress.callback());
        if (stop.stop_requested()) throw Cancelled();
        study.claims = judge(study.rows, study.readings, study.plain, study.model);
        study.settings = {{"Activations",
                           std::to_string(bits_) + " bits, static asymmetric min–max, scope all-activations"},
                          {"Weights", weightBits_ == 16 ? "left in float32"
                                                        : std::to_string(weightBits_) + " bits, per-channel"},
                          {"Data", study.data.name + ", " + study.data.summary},
                          {"Task", study.data.task},
                          {"Calibration",
                           data_.request().calibrationPath.empty()
                               ? std::to_string(data_.request().calibrationWindows) + " windows not evaluated"
                               : data_.request().calibrationPath},
                          {"Published setting", studySetting},
                          {"Seed", std::to_string(model_.seed())},
                          {"Hardware", workbench.deviceText()},
                          {"Kurtoscope", Workbench::version()}};
        progress.say("");
        print(study);
        if (!report_.empty()) {
            const auto page = std::filesystem::path(report_) / "index.html";
            writeFileAtomically(page.string(), studyPage(study));
            json_.human() << "Report: " << std::filesystem::absolute(page).lexically_normal().string()
                          << '\n';
        }
        if (json_.wanted()) write(study, workbench);
        return 0;
    }

private:
    void makeFolder() const {
        if (report_.empty()) return;
        std::error_code code;
        std::filesystem::create_directories(report_, code);
        if (code)
            throw Error("the folder cannot be made: " + code.message(), report_,
                        "Name another with --report");
        checkWritable((std::filesystem::path(report_) / "index.html").string());
    }

    void print(const Study& study) const {
        std::vector<Table::Column> columns;
        for (const auto& title : studyTitles(study))
            columns.push_back({title, !columns.empty()});
        columns.back().figures = false;
        Table table(std::move(columns));
        for (auto& cells : studyCells(study))
            table.add(std::move(cells));
        table.print(json_.human());
        json_.human() << "\nPublished: " << studySetting << ".\n\n";
        for (const StudyClaim& claim : study.claims)
            json_.human() << (claim.holds ? "holds           " : "does not hold   ") << claim.claim << " ("
                          << claim.published << ").\n                Here: " << claim.measured << ".\n";
    }

    void write(const Study& study, const Workbench& workbench) const {
        Json rows = Json::array(), claims = Json::array(), depth = Json::array();
        for (std::size_t i = 0; i < study.rows.size(); ++i) {
            const Reading& r = study.readings[i];
            rows.push_back({{"title", study.rows[i].title},
                            {"recipe", study.rows[i].recipe},
                            {"metric", r.metric},
                            {"score", number(r.score)},
                            {"stderr", number(r.standardError)},
                            {"difference", number(r.difference)},
                            {"difference_stderr", number(r.differenceError)},
                            {"won_back", number(i < 2 ? std::nullopt
                                                      : recovered(study.readings[0], study.readings[1], r))},
                            {"published", number(study.rows[i].published)},
                            {"latency_ms", number(r.latencyP50Ms)},
                            {"kernels", kernelTagName(r.kernels)}});
        }
        for (const StudyClaim& claim : study.claims)
            claims.push_back({{"claim", claim.claim},
                              {"published", claim.published},
                              {"measured", claim.measured},
                              {"holds", claim.holds}});
        for (const SiteStats& stats : study.plain.sites)
            if (stats.site.place == Place::mlp_residual)
                depth.push_back({{"layer", stats.site.layer},
                                 {"kurtosis", number(stats.siteKurtosis)},
                                 {"top1pct_energy", number(stats.top1pctEnergy)},
                                 {"max_to_median", number(stats.maxToMedian)},
                                 {"absmax", number(stats.siteAbsmax)}});
        json_.write({{"schema", 1},
                     {"study", id()},
                     {"model", modelJson(workbench.model())},
                     {"data", study.data.name},
                     {"task", study.data.task},
                     {"bits", bits_},
                     {"weight_bits", weightBits_},
                     {"published_setting", studySetting},
                     {"rows", rows},
                     {"claims", claims},
                     {"depth", depth}});
    }

    ModelOptions model_;
    DataOptions data_;
    JsonOutput json_;
    std::string report_;
    int bits_ = 8, weightBits_ = 8;
    std::vector<int> groups_{3, 4, 6, 12};
};

} // namespace

const Registration<PublishedStudy, ActivationOutliers> activationOutliersRegistration;

} // namespace kurtoscope::commands
