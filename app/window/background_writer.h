// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/parts/worker.h"

#include <QString>

#include <functional>
#include <optional>
#include <string>

namespace kurtoscope {

// Writes files whole or not at all, in the order of the calls (an older state never ends up over a newer
// one), on a thread of its own: a slow disk must not hold the window up. GUI thread only; its destructor
// waits for what was asked for.
class BackgroundWriter {
public:
    struct Failure {
        QString what, where, hint;
    };
    using Done = std::function<void(std::optional<Failure>)>; // on the GUI thread; dropped with the writer

    void write(const QString& path, std::function<std::string()> bytes, Done done); // bytes: made there
    void remove(const QString& path);   // after what is being written
    void finish() { worker_.finish(); } // waits until all of it is on disk, and says so

private:
    Worker worker_;
};

} // namespace kurtoscope
