// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kurtoscope {

// What a newcomer sees first, in the window and in a report: the model as it is, 8 bits with one range per
// tensor, and the same without its outlier channels.
struct FirstRecipes {
    static constexpr const char *plain = "fp32", *perTensor = "w8a8:activation=per-tensor,dynamic=on",
                                *kept = "w8a8:activation=per-tensor,dynamic=on,keep=auto";
};

} // namespace kurtoscope
