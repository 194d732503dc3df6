// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/processes.h"

#include "core/engine/ranks.h"

namespace kurtoscope {

Processes::Processes(ProcessBackend backend) : ranks_(Ranks::fromEnvironment(backend, c10::kCPU)) {
    Ranks::shared() = ranks_.get();
}

Processes::~Processes() {
    Ranks::shared() = nullptr;
}

bool Processes::leads() const {
    return !ranks_ || ranks_->leads();
}

} // namespace kurtoscope
