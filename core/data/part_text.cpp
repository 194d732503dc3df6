// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/part_text.h"

#include "core/base/error.h"

namespace kurtoscope {

RecipePart partFromText(const std::string& text, const std::string& family, const std::string& example) {
    RecipePart part;
    const std::size_t colon = text.find(':');
    part.scheme = text.substr(0, colon);
    if (part.scheme.empty() || part.scheme.find_first_of("+=,/ ") != std::string::npos)
        throw Error("a " + family + " begins with its id", "\"" + text + "\"", "Write it like " + example);
    for (std::size_t begin = colon; begin != std::string::npos;) {
        const std::size_t comma = text.find(',', begin + 1);
        const std::string pair = text.substr(begin + 1, comma - begin - 1);
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size())
            throw Error("a " + family + " needs key=value here", "\"" + pair + "\"",
                        "Write it like " + example);
        if (!part.parameters.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
            throw Error("the key " + pair.substr(0, equals) + " is given twice", "\"" + text + "\"", "");
        begin = comma;
    }
    return part;
}

std::string textOfPart(const RecipePart& part) {
    Recipe recipe;
    static_cast<RecipePart&>(recipe) = part;
    return recipe.text();
}

} // namespace kurtoscope
