// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are a training spec, a line of metrics.jsonl or an Error; what opens is the same again after it
// was written and read.
#include "core/base/error.h"
#include "core/data/training_progress.h"
#include "core/data/training_spec.h"
#include "tests/fuzz/input_folder.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    const std::string_view text = test::asText(data, size);
    try {
        const TrainingSpec spec = TrainingSpec::fromJson(text, "fuzz.json");
        if (TrainingSpec::fromJson(spec.toJson(), "again.json").toJson() != spec.toJson()) std::abort();
    } catch (const Error&) {
    }
    try {
        const TrainingRecord record = TrainingRecord::fromJson(text, "line");
        if (TrainingRecord::fromJson(record.toJson(), "again").toJson() != record.toJson()) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
