// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/published_study.h"

#include <CLI/CLI.hpp>

namespace kurtoscope {

template <>
Registry<commands::PublishedStudy>& Registry<commands::PublishedStudy>::instance() {
    static Registry<commands::PublishedStudy> registry;
    return registry;
}

namespace commands {
namespace {

class Reproduce : public Command {
public:
    std::string_view id() const override { return "reproduce"; }
    std::string_view summary() const override {
        return "Runs a published study and sets what it finds beside what was published";
    }

    void declare(CLI::App& app) override {
        app_ = &app;
        app.require_subcommand(1);
        for (const auto& study : Registry<PublishedStudy>::instance().members())
            study->declare(*app.add_subcommand(std::string(study->id()), std::string(study->summary())));
    }

    int run(std::stop_token stop) override {
        const std::string chosen = app_->get_subcommands().front()->get_name();
        for (const auto& study : Registry<PublishedStudy>::instance().members())
            if (study->id() == chosen) return study->run(stop);
        return 2; // the parser lets nothing else through
    }

private:
    CLI::App* app_ = nullptr;
};

} // namespace

const Registration<Command, Reproduce> reproduceRegistration;

} // namespace commands
} // namespace kurtoscope
