// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/local_rank.h"

#include "core/base/error.h"

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kurtoscope {

int localRank() {
    for (const char* name :
         {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"}) {
        const char* told = std::getenv(name);
        if (!told || !*told) continue;
        const std::string_view text = told;
        int rank = 0;
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), rank);
        if (code == std::errc() && end == text.data() + text.size() && rank >= 0) return rank;
        throw Error(std::string(name) + " is \"" + told + "\" in the environment", "",
                    "Start with torchrun, mpirun or srun, or unset it");
    }
    return 0;
}

std::string visibleGpu(int index) {
    const char* told = std::getenv("CUDA_VISIBLE_DEVICES");
    std::string_view rest = told ? told : "";
    for (int i = 0; i < index && !rest.empty(); ++i) {
        const std::size_t comma = rest.find(',');
        rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
    }
    const std::string name(rest.substr(0, rest.find(',')));
    return name.empty() ? std::to_string(index) : name;
}

} // namespace kurtoscope
