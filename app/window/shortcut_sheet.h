// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>

class QMainWindow;

namespace kurtoscope {

// Every shortcut that the window's menus have, read from the menus themselves, and what the mouse does.
class ShortcutSheet : public QDialog {
    Q_OBJECT
public:
    explicit ShortcutSheet(QMainWindow* window);
};

} // namespace kurtoscope
