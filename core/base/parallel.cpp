// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <omp.h>

namespace kurtoscope {

void parallelFor(std::int64_t count, std::int64_t grain,
                 const std::function<void(std::int64_t, std::int64_t)>& body) {
    if (count <= 0) return;
    const std::int64_t pieces =
        std::min<std::int64_t>(omp_get_max_threads(), (count + std::max<std::int64_t>(grain, 1) - 1) /
                                                          std::max<std::int64_t>(grain, 1));
    if (pieces <= 1 || omp_in_parallel()) {
        body(0, count);
        return;
    }
    std::exception_ptr failure;
    std::mutex failureMutex;
    const auto run = [&](std::int64_t piece) {
        try {
            body(piece * count / pieces, (piece + 1) * count / pieces);
        } catch (...) {
            const std::lock_guard lock(failureMutex);
            failure = std::current_exception();
        }
    };
#if defined(__SANITIZE_THREAD__)
    // ThreadSanitizer cannot see libgomp's barriers; threads it can see do the same work under its eyes.
    {
        std::vector<std::jthread> threads;
        for (std::int64_t piece = 1; piece < pieces; ++piece)
            threads.emplace_back(run, piece);
        run(0);
    }
#else
#pragma omp parallel for num_threads(static_cast <int>(pieces)) schedule(static, 1)
    for (std::int64_t piece = 0; piece < pieces; ++piece)
        run(piece);
#endif
    if (failure) std::rethrow_exception(failure);
}

} // namespace kurtoscope
