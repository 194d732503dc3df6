// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/export/export_format.h"

namespace kurtoscope {

template <>
Registry<ExportFormat>& Registry<ExportFormat>::instance() {
    static Registry<ExportFormat> registry;
    return registry;
}

} // namespace kurtoscope
