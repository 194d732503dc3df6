// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace kurtoscope {

// What the window opens when it was told nothing: the model that set-up fetched, else the bundled one; ""
// when neither is there.
QString firstModel();
// The text to run a model over when none was named: one that lies beside it, or that its training run held
// out, else the demonstration text; "" for none.
QString textFor(const QString& modelPath);

// Whether a dropped or chosen path is a model (a folder with config.json, a .gguf file) or data.
bool looksLikeModel(const QString& path);
bool looksLikeData(const QString& path);
bool looksLikeSession(const QString& path); // FILE.kurtoscope.json

} // namespace kurtoscope
