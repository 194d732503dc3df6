// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"

#include <utility>

namespace kurtoscope {

Error::Error(std::string what, std::string where, std::string hint)
    : message_(std::move(what)), where_(std::move(where)), hint_(std::move(hint)) {
    if (!where_.empty()) sentence_ = where_ + ": ";
    sentence_ += message_;
    if (!hint_.empty()) sentence_ += ". " + hint_;
    if (!sentence_.ends_with('.')) sentence_ += '.';
}

} // namespace kurtoscope
