// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/choice.h"
#include "core/workbench.h"

#include <QSize>
#include <QStringList>

#include <optional>

namespace kurtoscope {

// What `kurtoscope [MODEL] …` asks of the window.
struct StartOptions {
    QString model; // a path, or a name of a model at hand; "": the first one at hand
    DataRequest data;
    WorkbenchOptions engine;
    Choice columns = startingChoice();
    QString theme; // "": as remembered
    QString screenshot;
    QSize size; // invalid: as remembered
};

struct ParsedOptions {
    std::optional<StartOptions> options; // empty: print `text` and leave with `exitCode`
    QString text;
    int exitCode = 0;
};

// `arguments` with the program's name first.
ParsedOptions parseStartOptions(const QStringList& arguments);

} // namespace kurtoscope
