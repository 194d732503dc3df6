// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/shortcut_sheet.h"

#include "widgets/theme.h"

#include <QDialogButtonBox>
#include <QGridLayout>
#include <QLabel>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>

namespace kurtoscope {
namespace {

struct Column {
    QGridLayout* grid;
    int row = 0;

    void title(const QString& text) {
        auto* label = new QLabel(text);
        label->setFont(Theme::current().strong());
        label->setContentsMargins(0, row ? Theme::current().spacing : 0, 0, 0);
        grid->addWidget(label, row++, 0, 1, 2);
    }
    void line(const QString& keys, const QString& what) {
        auto* key = new QLabel(keys);
        QPalette ink = key->palette();
        ink.setColor(QPalette::WindowText, Theme::current().muted);
        key->setPalette(ink);
        grid->addWidget(key, row, 0);
        grid->addWidget(new QLabel(what), row++, 1);
    }
};

QGridLayout* columnGrid() {
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(2 * Theme::current().spacing);
    grid->setVerticalSpacing(Theme::current().spacing / 2);
    grid->setColumnStretch(1, 1);
    return grid;
}

void listMenu(Column& column, const QMenu* menu, bool& titled, const QString& title) {
    for (const QAction* action : menu->actions()) {
        if (action->menu()) listMenu(column, action->menu(), titled, title);
        if (action->menu() || action->shortcut().isEmpty()) continue;
        if (!titled) column.title(QString(title).remove('&'));
        titled = true;
        QStringList keys;
        for (const auto& sequence : action->shortcuts())
            keys << sequence.toString(QKeySequence::NativeText);
        column.line(keys.join(", "), action->property("sheet").isValid()
                                         ? action->property("sheet").toString()
                                         : action->text().remove('&'));
    }
}

} // namespace

ShortcutSheet::ShortcutSheet(QMainWindow* window) : QDialog(window) {
    setWindowTitle(tr("Shortcuts"));
    setObjectName("shortcuts");
    Column left{columnGrid()}, right{columnGrid()};
    const auto menus = window->menuBar()->actions();
    for (qsizetype i = 0; i < menus.size(); ++i)
        if (bool titled = false; menus[i]->menu())
            listMenu(i < 2 ? left : right, menus[i]->menu(), titled, menus[i]->menu()->title());
    right.title(tr("Maps"));
    right.line(tr("Click"), tr("keep or release a channel"));
    right.line(tr("Drag"), tr("keep a block of channels and layers"));
    right.line(tr("Wheel"), tr("zoom at the pointer"));
    right.line(tr("Arrow keys"), tr("move to the next channel or layer"));
    right.line(tr("Space"), tr("keep or release the selected channel"));
    left.grid->setRowStretch(left.row, 1);
    right.grid->setRowStretch(right.row, 1);

    auto* columns = new QHBoxLayout;
    columns->setSpacing(5 * Theme::current().spacing);
    columns->addLayout(left.grid);
    columns->addLayout(right.grid);
    auto* close = new QDialogButtonBox(QDialogButtonBox::Close);
    connect(close, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* all = new QVBoxLayout(this);
    const int gap = 2 * Theme::current().spacing;
    all->setContentsMargins(gap, gap, gap, gap);
    all->setSpacing(gap);
    all->addLayout(columns);
    all->addWidget(close);
}

} // namespace kurtoscope
