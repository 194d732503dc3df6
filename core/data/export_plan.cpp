// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/export_plan.h"

#include "core/base/error.h"

namespace kurtoscope {

RecipePart exportFormatFromText(const std::string& text) {
    RecipePart part;
    const std::size_t colon = text.find(':');
    part.scheme = text.substr(0, colon);
    for (std::size_t begin = colon; begin != std::string::npos;) {
        const std::size_t comma = text.find(',', begin + 1);
        const std::string pair = text.substr(begin + 1, comma - begin - 1);
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size())
            throw Error("a format needs key=value here", "\"" + pair + "\"",
                        "Write it like compressed-tensors:packing=int8");
        if (!part.parameters.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
            throw Error("the key " + pair.substr(0, equals) + " is given twice", "\"" + text + "\"", "");
        begin = comma;
    }
    return part;
}

} // namespace kurtoscope
