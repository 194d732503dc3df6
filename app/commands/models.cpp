// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/command.h"
#include "app/commands/figures.h"
#include "app/commands/json_output.h"
#include "app/commands/terminal.h"
#include "app/known_models.h"

#include <CLI/CLI.hpp>
#include <ostream>

namespace kurtoscope::commands {
namespace {

class Models : public Command {
public:
    std::string_view id() const override { return "models"; }
    std::string_view summary() const override {
        return "Lists models at hand: bundled, fetched by set-up, in the Hugging Face cache";
    }
    void declare(CLI::App& app) override { json_.declare(app); }

    int run(std::stop_token) override {
        json_.checkTarget();
        const auto models = knownModels();
        if (json_.wanted()) {
            Json list = Json::array();
            for (const auto& m : models)
                list.push_back({{"name", m.name},
                                {"origin", m.origin},
                                {"summary", m.summary},
                                {"bytes", m.bytes},
                                {"path", m.path}});
            json_.write({{"schema", 1}, {"models", list}});
            return 0;
        }
        if (models.empty()) {
            json_.human() << "No models found. Looked in:\n";
            for (const auto& folder : modelFolders())
                json_.human() << "  " << folder.path << " (" << folder.origin << ")\n";
            return 0;
        }
        Table table({{"name", false}, {"from", false}, {"what", false}, {"size"}, {"path", false}});
        for (const auto& m : models)
            table.add({m.name, m.origin, m.summary, byteText(m.bytes), m.path});
        table.print(json_.human());
        return 0;
    }

private:
    JsonOutput json_;
};

} // namespace

const Registration<Command, Models> modelsRegistration;

} // namespace kurtoscope::commands
