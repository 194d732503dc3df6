// SPDX-License-Identifier: GPL-3.0-or-later
#define USE_C10D_NCCL
#include "core/cuda/nccl_group.h"

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>
#include <string>

extern "C" __attribute__((visibility("default"))) const char*
kurtoscopeNcclGroup(c10d::Store* store, int rank, int size, c10d::Backend** made) {
    static std::string reason;
    // A failure is to come back as an exception from wait(); otherwise c10d ends the process.
    setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
    try {
        const auto shared = c10::intrusive_ptr<c10d::Store>::reclaim_copy(store);
        auto options = c10d::ProcessGroupNCCL::Options::create();
        options->timeout = std::chrono::minutes(30);
        c10::intrusive_ptr<c10d::Backend> group =
            c10::make_intrusive<c10d::ProcessGroupNCCL>(shared, rank, size, std::move(options));
        *made = group.release();
        return nullptr;
    } catch (const std::exception& failure) {
        reason = failure.what();
        return reason.c_str();
    }
}
