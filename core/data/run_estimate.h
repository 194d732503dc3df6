// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/data/data_request.h"
#include "core/data/model_info.h"

#include <cstdint>

namespace kurtoscope {

// What opening a model and running `columns` recipes over its data takes, from sizes alone: before a weight
// is read. Rough by nature, for a person who decides whether to start.
struct RunEstimate {
    std::int64_t bytes = 0;    // of memory, the program's own included
    double pictureSeconds = 0; // until the first picture: the weights and one pass
    double seconds = 0;        // until every column stands, latencies included
};

// `rate`: multiplications per second of a pass, as this machine showed before (see multiplications()).
KURTOSCOPE_API RunEstimate estimateRun(const KnownModel& model, const DataRequest& data, int columns,
                                       double rate);

// Of a pass over one token: the parameters without an embedding that is only looked up.
KURTOSCOPE_API double multiplications(const KnownModel& model);
KURTOSCOPE_API double multiplications(const ModelInfo& model);

} // namespace kurtoscope
