// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#define KURTOSCOPE_WIDGETS_API __attribute__((visibility("default")))
