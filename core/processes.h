// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/process_backend.h"

#include <memory>

namespace kurtoscope {

class Ranks;

// While it lives, Workbench::evaluate and observe share their windows with the processes that torchrun,
// mpirun or srun started beside this one under the same command; each gets the whole answer. Nothing changes
// for a process alone. One at a time. Throws Error where they cannot meet.
class KURTOSCOPE_API Processes {
public:
    explicit Processes(ProcessBackend backend = ProcessBackend::automatic);
    ~Processes(); // waits for the others
    Processes(const Processes&) = delete;
    Processes& operator=(const Processes&) = delete;

    bool leads() const; // the one that prints and writes

private:
    std::unique_ptr<Ranks> ranks_;
};

} // namespace kurtoscope
