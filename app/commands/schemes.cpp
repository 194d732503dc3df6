// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/member_list.h"
#include "core/workbench.h"

#include <CLI/CLI.hpp>

#include <ostream>

namespace kurtoscope::commands {
namespace {

class Schemes : public Command {
public:
    std::string_view id() const override { return "schemes"; }
    std::string_view summary() const override {
        return "Lists the ways to quantize and what each can be told";
    }
    void declare(CLI::App& app) override { json_.declare(app); }

    int run(std::stop_token) override {
        json_.checkTarget();
        if (json_.wanted()) {
            Json schemes = Json::array();
            for (const auto& scheme : Workbench::schemes())
                schemes.push_back(memberJson(scheme));
            json_.write({{"schema", 1}, {"schemes", schemes}});
            return 0;
        }
        for (const auto& scheme : Workbench::schemes())
            printMember(json_.human(), scheme);
        json_.human()
            << "Every scheme also takes scope=linear-inputs|all-activations and "
               "keep=auto|ratio:20|top:4|magnitude:6|sigma:6|FILE and samples=N and sample_seed=N "
               "(calibration windows, drawn at random).\n"
               "Written as scheme:key=value,key=value – for example w8a8:activation=per-token,keep=auto\n"
               "Schemes are combined with +, in order: transforms, a way to round weights, a way to round "
               "activations.\n";
        return 0;
    }

private:
    JsonOutput json_;
};

} // namespace

const Registration<Command, Schemes> schemesRegistration;

} // namespace kurtoscope::commands
