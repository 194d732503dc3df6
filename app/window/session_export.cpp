// SPDX-License-Identifier: GPL-3.0-or-later
// What Session does for an export.
#include "app/window/session.h"

#include <algorithm>

namespace kurtoscope {

void Session::askExport(const ExportRequest& request, bool write) {
    exporting_ = Exporting{request, write, ++exports_};
    exporting_->request.calibration = data_;
    schedule();
}

void Session::dropExport() {
    if (!exporting_) return;
    exporting_.reset();
    std::erase_if(setAside_, [](const Work& work) { return work.kind == Work::Kind::exporting; });
    schedule();
}

Work Session::exportWork() const {
    return {Work::Kind::exporting, exporting_->request.recipe, {}, std::to_string(exporting_->number)};
}

EngineThread::Job Session::jobForExport(quint64 generation, OnProgress progress) {
    return [this, generation, progress, asked = *exporting_](Workbench& bench, std::stop_token stop) {
        if (asked.write) {
            const ExportResult result = bench.exportModel(asked.request, stop, progress);
            deliver(generation, [this, result] {
                exporting_.reset();
                emit exportWritten(result);
            });
        } else {
            const ExportPlan plan = bench.planExport(asked.request, stop, progress);
            deliver(generation, [this, plan] {
                exporting_.reset();
                emit exportPlanned(plan);
            });
        }
    };
}

} // namespace kurtoscope
