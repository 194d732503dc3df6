// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/reading.h"

namespace kurtoscope {

std::string_view kernelTagName(KernelTag tag) {
    switch (tag) {
    case KernelTag::floating:
        return "float";
    case KernelTag::simulated:
        return "simulated";
    case KernelTag::integer:
        return "integer";
    }
    return "";
}

} // namespace kurtoscope
