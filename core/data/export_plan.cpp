// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/export_plan.h"

#include "core/data/part_text.h"

namespace kurtoscope {

RecipePart exportFormatFromText(const std::string& text) {
    return partFromText(text, "format", "compressed-tensors:packing=int8");
}

} // namespace kurtoscope
