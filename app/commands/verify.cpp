// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/json_output.h"
#include "app/commands/terminal.h"
#include "core/data/check_json.h"
#include "core/workbench.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ostream>

namespace kurtoscope::commands {
namespace {

class Verify : public Command {
public:
    std::string_view id() const override { return "verify"; }
    std::string_view summary() const override {
        return "Runs an exported folder, here and by the software it is for, against the recipe's simulation";
    }

    void declare(CLI::App& app) override {
        app.add_option("DIR", folder_, "A folder that `kurtoscope export` made")->required()->type_name("");
        app.add_option("--python", python_,
                       "The Python that has the software the export is for [default: "
                       "$KURTOSCOPE_REFERENCE_PYTHON, else python3]")
            ->type_name("PY");
        json_.declare(app);
    }

    int run(std::stop_token stop) override {
        json_.checkTarget();
        const char* known = std::getenv("KURTOSCOPE_REFERENCE_PYTHON");
        if (python_.empty() && known) python_ = known;
        ProgressLine progress;
        Workbench workbench;
        const auto results = workbench.verifyExport(folder_, python_, stop, progress.callback());
        progress.say("");
        print(results);
        if (json_.wanted()) write(results);
        for (const CheckResult& result : results)
            if (result.ran() && !result.passed()) return 1;
        return 0;
    }

private:
    static std::string scientific(double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.3g", value);
        return text;
    }

    static bool isClose(const CheckResult& result) { return result.difference <= result.check.tolerance; }

    void print(const std::vector<CheckResult>& results) const {
        std::ostream& out = json_.human();
        if (results.empty()) out << "This export holds no model, so there is nothing to run.\n";
        for (const CheckResult& result : results) {
            out << result.check.way << ": ";
            if (!result.ran()) {
                out << "not run, " << result.skipped << '\n';
                continue;
            }
            out << (result.difference == 0
                        ? "the same bit for bit"
                        : "differs by " + scientific(result.difference) + " of the answers' size, " +
                              scientific(result.largest) + " at most");
            if (!std::isfinite(result.check.tolerance))
                out << " (the target carries less than the recipe: see README.md)";
            else if (isClose(result) || !result.passed())
                out << (result.passed() ? " (allowed " : ": MORE than the allowed (")
                    << scientific(result.check.tolerance) << ")";
            out << "; " << result.versions << '\n';
            if (result.byLibTorch)
                out << "  freely, by LibTorch's operators: "
                    << (*result.byLibTorch == 0 ? "0 (bit-equal)" : scientific(*result.byLibTorch)) << '\n';
            if (result.steps) printSteps(*result.steps, result, out);
        }
    }

    static void printSteps(const StepsResult& steps, const CheckResult& result, std::ostream& out) {
        out << "  layer by layer, given the simulation's inputs: " << steps.tensors << " tensors differ by "
            << scientific(steps.difference) << " at most";
        if (std::isfinite(result.check.tolerance))
            out << (steps.difference <= result.check.tolerance ? " (allowed " : ": MORE than the allowed (")
                << scientific(result.check.tolerance) << ")";
        if (steps.difference > result.check.tolerance || !std::isfinite(steps.difference))
            out << ", at " << steps.where;
        if (steps.rounded > 0)
            out << "; " << steps.tipped << " of " << steps.rounded
                << " rounded values lie so near the middle of two levels that their last bits tip them over";
        out << '\n';
        if (std::isfinite(result.check.tolerance) && result.passed() && !isClose(result))
            out << "  The same arithmetic, then: with sums in another order, such values and what follows "
                   "from them "
                   "make all of the difference.\n";
    }

    void write(const std::vector<CheckResult>& results) const {
        Json checks = Json::array();
        for (const CheckResult& result : results)
            checks.push_back(checkJson(result));
        json_.write({{"schema", 1}, {"folder", folder_}, {"checks", checks}});
    }

    std::string folder_, python_;
    JsonOutput json_;
};

} // namespace

const Registration<Command, Verify> verifyRegistration;

} // namespace kurtoscope::commands
