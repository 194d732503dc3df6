// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/training_run.h"
#include "tests/support/command_run.h"

namespace kurtoscope::test {

// Seconds long, with a checkpoint every few steps.
inline QByteArray shortSpec(int steps = 40, int batch = 4, int checkpointEvery = 5) {
    return R"({"schema": 1, "name": "short", "model": {"layers": 2, "hidden": 32, "heads": 2, "length": 32, "vocabulary": 300},
        "data": {"artificial_bytes": 60000}, "training": {"steps": )" +
           QByteArray::number(steps) + R"(, "batch": )" + QByteArray::number(batch) +
           R"(, "warmup": 4},)"
           R"("watch": {"checkpoint_every": )" +
           QByteArray::number(checkpointEvery) +
           R"(, "validate_every": 20, "validation_windows": 8, "record_every": 1}})";
}

inline QByteArray lastWeights(const QString& folder) {
    const TrainingRun run = TrainingRun::read(folder.toStdString());
    return contents(QString::fromStdString(run.checkpoints.back().second) + "/model.safetensors");
}

} // namespace kurtoscope::test
