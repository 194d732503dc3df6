// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a recipe file or an Error; what opens is the same again after it was written and read.
#include "core/base/error.h"
#include "core/data/recipe_json.h"
#include "tests/fuzz/input_folder.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    const std::string_view text = test::asText(data, size);
    try {
        const Recipe recipe = recipeFromJson(text, "fuzz.json");
        const Recipe again = recipeFromJson(recipe.toJson(), "again.json");
        if (!(again == recipe) || again.hash() != recipe.hash()) std::abort();
        if (keptFromJson(text, "fuzz.json") != recipe.kept) std::abort();
        return 0;
    } catch (const Error&) { // not a recipe; perhaps kept channels alone
    }
    try {
        for (const auto& [site, channels] : keptFromJson(text, "fuzz.json"))
            if (channels.empty() || *channels.begin() < 0 || Site::fromName(site.name()) != site)
                std::abort();
    } catch (const Error&) {
    }
    return 0;
}
