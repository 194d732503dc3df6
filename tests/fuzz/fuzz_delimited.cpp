// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes are either data of one of the kinds there are or an Error; what opens has whole rows.
#include "core/base/error.h"
#include "core/evaluation/dataset.h"
#include "core/evaluation/delimited.h"
#include "tests/fuzz/input_folder.h"

#include <cmath>
#include <cstdlib>

namespace {

template <class Act>
void orError(const Act& act) {
    try {
        act();
    } catch (const kurtoscope::Error&) {
    }
}

void need(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kurtoscope;
    static const test::InputFolder folder("delimited");
    const auto file = folder.write("data.csv", test::asText(data, size));
    orError([&] {
        int line = 0;
        for (const Record& record : splitRecords(readUtf8(file), "data.csv").records) {
            need(!record.cells.empty() && record.line > line);
            line = record.line;
        }
    });
    orError([&] { need(!detectKind(file).reason.empty()); });
    orError([&] {
        const Table table = readClassification(file);
        need(!table.rows.empty() && table.labels.size() >= 2);
        for (const TableRow& row : table.rows)
            need(!row.first.empty() && row.label >= 0 &&
                 static_cast<std::size_t>(row.label) < table.labels.size());
    });
    orError([&] {
        for (const TableRow& row : readSimilarity(file).rows)
            need(!row.first.empty() && !row.second.empty() && std::isfinite(row.score));
    });
    return 0;
}
