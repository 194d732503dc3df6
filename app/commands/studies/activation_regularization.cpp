// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/curve_svg.h"
#include "app/commands/figures.h"
#include "app/commands/heat_picture.h"
#include "app/commands/page_parts.h"
#include "app/commands/regularization_study.h"
#include "app/commands/report_style.h"
#include "app/commands/run_options.h"
#include "app/commands/training_tables.h"
#include "core/base/atomic_file.h"
#include "core/base/clock.h"
#include "core/training_lab.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <ostream>

namespace kurtoscope::commands {
namespace {

constexpr const char* published =
    "models of 24 layers × 2048 trained on 20 B tokens; 4-bit weights by RTN and GPTQ, 4-bit activations "
    "static per tensor";

// "5 hours", coarse: of an estimate.
std::string timeText(double seconds) {
    for (const auto& [unit, length] :
         {std::pair{"years", 365.25 * 86400}, {"days", 86400.0}, {"hours", 3600.0}})
        if (seconds >= 2 * length) return figure(seconds / length, 2) + " " + unit;
    return figure(std::max(1.0, seconds / 60), 2) + " minutes";
}

class ActivationRegularization : public PublishedStudy {
public:
    std::string_view id() const override { return "activation-regularization"; }
    std::string_view summary() const override {
        return "arXiv 2404.03605: four ways to train a model, and what 4 bits make of each";
    }

    void declare(CLI::App& app) override {
        app.add_option("--scale", scale_, "tiny: minutes on two cores; small: a GPU; 1b: the paper's own")
            ->check(CLI::IsMember({"tiny", "small", "1b"}))
            ->type_name("S")
            ->capture_default_str();
        app.add_option("--spec", specFile_, "A training spec (.json) in place of the scale's")
            ->type_name("FILE")
            ->excludes("--scale");
        app.add_option("--out", out_,
                       "Folder for the four runs; those that lie there and ended are taken as they are")
            ->required()
            ->type_name("DIR");
        app.add_option("--text", text_, "Text to train on [default: the artificial language]")
            ->type_name("FILE");
        app.add_option("--steps", steps_, "Steps of each run, in place of the scale's")
            ->check(atLeast(8))
            ->type_name("N");
        app.add_option("--seed", seed_, "Seed of all four runs [default: the scale's, 1]")
            ->check(atLeast(0))
            ->type_name("N");
        app.add_option("--lambda", lambda_, "Weight of the kurtosis penalty")
            ->type_name("L")
            ->capture_default_str();
        app.add_option("--bits", bits_, "Bits of quantization-aware training")
            ->check(CLI::Range(2, 8))
            ->type_name("B")
            ->capture_default_str();
        app.add_option("--threads", threads_, "Threads on the CPU; 0 is one per physical core")
            ->check(atLeast(0))
            ->type_name("N");
        app.add_option("--device", device_, "Where to run")
            ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
            ->type_name("D");
        app.add_flag("--plan", planOnly_,
                     "Say what would be trained, its memory and its time, and train nothing");
        app.add_option("--report", report_,
                       "Write index.html with the table, the claims and the figures here")
            ->type_name("DIR");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        json_.checkTarget();
        TrainingSpec base = specFile_.empty() ? TrainingLab::preset(scale_).spec
                                              : TrainingSpec::fromJson(readFile(specFile_), specFile_);
        if (!text_.empty()) base.text = text_;
        if (seed_ >= 0) base.seed = static_cast<std::uint64_t>(seed_);
        if (steps_ > 0) {
            base.steps = steps_, base.warmup = std::min(base.warmup, steps_ / 10);
            base.checkpointEvery = std::max(1, steps_ / 8), base.validateEvery = base.checkpointEvery;
        }
        std::vector<StudyArm> arms = studyArms(base, lambda_, bits_);
        for (const StudyArm& arm : arms)
            TrainingLab::check(arm.spec);
        TrainingOptions options;
        options.threads = threads_;
        options.device = deviceKind(device_);
        TrainingLab lab(options);
        ProgressLine progress;
        progress.say("Four runs of " + planText(base) + ", on " + lab.deviceText());
        progress.say(timePlan(base, lab.operationsPerSecond(base)));
        if (planOnly_) return 0;
        const Clock::time_point begun = Clock::now();
        for (StudyArm& arm : arms)
            train(arm, lab, progress, stop);
        const double seconds = secondsSince(begun);
        const std::vector<StudyClaim> claims = judge(arms);
        settings_ = {
            {"Model", planText(base)},
            {"Text", base.text.empty() ? "the artificial language, " + byteText(base.artificialBytes)
                                       : std::filesystem::path(base.text).filename().string()},
            {"Penalty",
             "λ " + lambda_ + " × the kurtosis of each token's channels, summed over linear layers' outputs"},
            {"QAT", std::to_string(bits_) + " bits, one learned range per linear input, after " +
                        percent(base.inputStart, 0) + " of the steps"},
            {"Weights",
             "symmetric, one scale for each output channel, to nearest levels (RTN) or by GPTQ on 16 "
             "windows"},
            {"Activations", "asymmetric, one static range per tensor: learned where there is QAT, else all "
                            "values of 16 windows"},
            {"Evaluated on", arms.front().grid.data},
            {"An outlier channel", "its mean |x| is over 6 × its site's"},
            {"Published setting", published},
            {"Seed", std::to_string(base.seed)},
            {"Hardware", lab.deviceText() + ", " + figure(seconds / 60, 3) + " minutes"},
            {"Kurtoscope", Workbench::version()}};
        progress.say("");
        print(arms, claims);
        if (!report_.empty()) writePage(arms, claims);
        if (json_.wanted()) write(arms, claims);
        return 0;
    }

private:
    static std::string planText(const TrainingSpec& spec) {
        const TrainingLab::Cost cost = TrainingLab::cost(spec);
        return spec.model.family + ", " + std::to_string(spec.model.layers) + " layers × " +
               std::to_string(spec.model.hidden) + ", " + countText(static_cast<std::int64_t>(cost.tokens)) +
               " tokens in " + std::to_string(spec.steps) + " steps, about " +
               byteText(static_cast<std::int64_t>(cost.memoryBytes)) + " of memory (" +
               byteText(static_cast<std::int64_t>(cost.textBytes)) + " while its text is made ready) and " +
               figure(cost.operations / 1e15, 3) + " PFLOP each";
    }
    static std::string timePlan(const TrainingSpec& spec, double perSecond) {
        return "At least " + timeText(TrainingLab::cost(spec).operations / perSecond) + " for each, at the " +
               figure(perSecond / 1e12, 2) + " TFLOPS that products reach here";
    }

    // What was trained before is not trained again; what was interrupted goes on.
    void train(StudyArm& arm, TrainingLab& lab, ProgressLine& progress, std::stop_token stop) {
        const std::string folder = (std::filesystem::path(out_) / arm.id).string();
        std::error_code code;
        const bool begun =
            std::filesystem::exists(std::filesystem::path(folder) / checkpointName(0) / "config.json", code);
        if (begun && !(TrainingRun::read(folder).spec == arm.spec))
            throw Error("holds a run of another spec", folder,
                        "Name another folder with --out, or remove it");
        const auto tell = [&](const TrainingRecord& record) {
            progress.setNote(arm.title + ", loss " + figure(record.loss));
            if (record.validationLoss || !record.event.empty())
                progress.say(arm.title + ": " + stepLine(record));
        };
        if (begun) arm.run = TrainingRun::read(folder);
        if (!arm.run.finished) arm.run = lab.train(arm.spec, folder, begun, stop, tell, progress.callback());
        arm.grid = lab.grid(folder, {}, stop, progress.callback());
        arm.solved = lab.grid(folder, GridRequest().solved(), stop, progress.callback());
        arm.emergence = lab.emergence(folder, 16, stop, progress.callback());
        arm.grid.run = arm.solved.run = arm.emergence.run = arm.title;
    }

    void print(const std::vector<StudyArm>& arms, const std::vector<StudyClaim>& claims) const {
        std::vector<PrecisionGrid> grids;
        std::vector<Emergence> runs;
        for (const StudyArm& arm : arms)
            grids.push_back(arm.grid), grids.push_back(arm.solved), runs.push_back(arm.emergence);
        std::ostream& out = json_.human();
        gridTable(grids).print(out);
        out << "Perplexity ± standard error over " << grids.front().data << ".\n\n";
        emergenceTable(runs).print(out);
        out << "\nPublished: " << published << ".\n\n";
        for (const StudyClaim& claim : claims)
            out << (claim.holds ? "holds           " : "does not hold   ") << claim.claim << " ("
                << claim.published << ").\n                Here: " << claim.measured << ".\n";
    }

    // One picture of a site: checkpoints down, channels across.
    static std::string heatHtml(const StudyArm& arm, Site site) {
        std::vector<SiteStats> rows;
        for (const EmergenceStep& step : arm.emergence.steps)
            for (const EmergenceSite& one : step.sites)
                if (one.site == site) {
                    SiteStats row;
                    row.site = {int(rows.size()), site.place};
                    row.channels = int(one.magnitude.size()), row.tokens = 1, row.absmax = one.magnitude;
                    rows.push_back(std::move(row));
                }
        std::vector<const SiteStats*> pointers;
        for (const SiteStats& row : rows)
            pointers.push_back(&row);
        if (pointers.empty()) return "";
        const HeatPicture heat = drawHeatPicture(pointers, nullptr);
        return R"(<figure><img alt="Mean magnitude by checkpoint and channel" src="data:image/png;base64,)" +
               base64(encodePng(heat.picture)) + "\">\n<figcaption>" +
               escaped(arm.title + ": " + site.name()) + ", " + std::to_string(heat.layers) +
               " checkpoints (first on top) × " + std::to_string(heat.channels) + " channels. Mean |x| " +
               figure(heat.low, 3) + R"(<span class="bar" style="background:)" + viridisGradient() +
               R"("></span>)" + figure(heat.high, 3) + " (logarithmic)</figcaption></figure>\n";
    }

    // The site with the largest ratio at the end of the plain run.
    static Site busiest(const StudyArm& arm) {
        Site site{0, Place::attn_input};
        double most = 0;
        if (!arm.emergence.steps.empty())
            for (const EmergenceSite& one : arm.emergence.steps.back().sites)
                if (one.maxToMedian > most) most = one.maxToMedian, site = one.site;
        return site;
    }

    template <class Value>
    static std::string curves(const std::vector<StudyArm>& arms, const std::string& title, Value value) {
        std::vector<Curve> all;
        CurveAxis axis{"step", {}};
        for (const StudyArm& arm : arms) {
            Curve one{arm.title, {}};
            for (const EmergenceStep& step : arm.emergence.steps)
                one.values.push_back(value(totals(step)));
            if (all.empty())
                for (const EmergenceStep& step : arm.emergence.steps)
                    axis.marks.push_back(std::to_string(step.step));
            all.push_back(std::move(one));
        }
        return curveSvg(title, all, axis);
    }

    void writePage(const std::vector<StudyArm>& arms, const std::vector<StudyClaim>& claims) const {
        std::vector<std::vector<std::string>> rows;
        std::vector<std::string> titles{"weights, activations"};
        for (const StudyArm& arm : arms)
            titles.push_back(arm.title);
        const auto addRows = [&](PrecisionGrid StudyArm::*grid) {
            for (const GridCell& cell : (arms.front().*grid).cells) {
                rows.push_back({cellName(arms.front().*grid, cell)});
                for (const StudyArm& arm : arms) {
                    const GridCell* mine = (arm.*grid).find(cell.weightBits, cell.activationBits);
                    rows.back().push_back(mine ? figure(mine->reading.score) + " ± " +
                                                     figure(mine->reading.standardError, 2)
                                               : "–");
                }
            }
        };
        addRows(&StudyArm::grid), addRows(&StudyArm::solved);
        std::string key = "<p class=\"key\">";
        for (std::size_t i = 0; i < arms.size(); ++i)
            key += "<span><svg viewBox=\"0 0 34 10\"><path class=\"line" + std::to_string(i) +
                   "\" d=\"M0 5L34 5\"/></svg> " + escaped(arms[i].title) + "</span>";
        std::string html =
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width, initial-scale=1\">\n<title>Activation "
            "regularization</title>\n<style>" +
            std::string(reportStyle) + "</style></head>\n<body>\n<h1>Activation regularization, " +
            escaped(specFile_.empty() ? "at the scale " + scale_ : std::string("on a spec of its own")) +
            "</h1>\n<p>The study of arXiv 2404.03605: one model trained four ways, then "
            "rounded. Perplexity ± standard error; lower is better.</p>\n<h2>The table</h2>\n" +
            tableHtml(titles, rows) + "<h2>Claim by claim</h2>\n" + claimHtml(claims) +
            "<h2>Along training</h2>\n" + key + "</p><div class=\"curves\">" +
            curves(arms, "Largest kurtosis of a linear input", [](auto t) { return t.kurtosis; }) +
            curves(arms, "Largest channel over the median one", [](auto t) { return t.maxToMedian; }) +
            curves(arms, "Largest kurtosis of a weight", [](auto t) { return t.weightKurtosis; }) +
            curves(arms, "RTN-4 error of weights, relative", [](auto t) { return t.weightError; }) +
            "</div>\n<h2>Where channels stand out</h2>\n";
        for (const StudyArm& arm : arms)
            html += heatHtml(arm, busiest(arms.front()));
        html += "<h2>How this was measured</h2>\n" + factHtml(settings_) + "</body></html>\n";
        const auto page = std::filesystem::path(report_) / "index.html";
        std::error_code code;
        std::filesystem::create_directories(report_, code);
        writeFileAtomically(page.string(), html);
        json_.human() << "Report: " << std::filesystem::absolute(page).lexically_normal().string() << '\n';
    }

    void write(const std::vector<StudyArm>& arms, const std::vector<StudyClaim>& claims) const {
        Json runs = Json::array(), judged = Json::array();
        for (const StudyArm& arm : arms)
            runs.push_back({{"arm", arm.id},
                            {"finished", arm.run.finished},
                            {"grid", gridJson(arm.grid)},
                            {"gptq", gridJson(arm.solved)},
                            {"migration", number(migrationCorrelation(arm.emergence))},
                            {"emergence", emergenceJson(arm.emergence)}});
        for (const StudyClaim& claim : claims)
            judged.push_back({{"claim", claim.claim},
                              {"published", claim.published},
                              {"measured", claim.measured},
                              {"holds", claim.holds}});
        json_.write({{"schema", 1},
                     {"study", id()},
                     {"scale", specFile_.empty() ? scale_ : "spec"},
                     {"arms", runs},
                     {"claims", judged}});
    }

    std::string scale_ = "tiny", specFile_, out_, text_, lambda_ = "0.001", device_ = "auto", report_;
    int steps_ = 0, bits_ = 4, threads_ = 0;
    std::int64_t seed_ = -1;
    bool planOnly_ = false;
    std::vector<std::pair<std::string, std::string>> settings_;
    JsonOutput json_;
};

} // namespace

const Registration<PublishedStudy, ActivationRegularization> activationRegularizationRegistration;

} // namespace kurtoscope::commands
