// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/session.h"

#include <QUndoCommand>

#include <utility>

namespace kurtoscope {

// The one undo command: columns before and after. Cheap, because a choice is a small value.
class ChoiceChanged : public QUndoCommand {
public:
    ChoiceChanged(Session& session, const QString& text, Choice before, Choice after)
        : QUndoCommand(text), session_(session), before_(std::move(before)), after_(std::move(after)) {}

    void undo() override { session_.apply(before_); }
    void redo() override { session_.apply(after_); }

private:
    Session& session_;
    Choice before_, after_;
};

} // namespace kurtoscope
