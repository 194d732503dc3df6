// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either a session file or an Error; what opens is the same again after it was written and
// read.
#include "core/base/error.h"
#include "core/data/saved_session.h"
#include "tests/fuzz/input_folder.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    try {
        const SavedSession session = sessionFromJson(test::asText(data, size), "fuzz.kurtoscope.json");
        const std::string written = sessionToJson(session);
        const SavedSession again = sessionFromJson(written, "again.kurtoscope.json");
        if (sessionToJson(again) != written) std::abort();
        if (session.columns.empty() || session.columns.size() > mostColumns) std::abort();
        for (std::size_t i = 0; i < session.columns.size(); ++i)
            if (!(again.columns[i].recipe == session.columns[i].recipe)) std::abort();
    } catch (const Error&) {
    }
    return 0;
}
