// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kurtoscope {

enum class DeviceKind : unsigned char { automatic, cpu, cuda };

} // namespace kurtoscope
