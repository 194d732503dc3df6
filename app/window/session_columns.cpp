// SPDX-License-Identifier: GPL-3.0-or-later
// The half of Session that changes columns as wholes. Each change is one step of the undo stack.
#include "app/window/session.h"

#include <algorithm>
#include <utility>

namespace kurtoscope {
namespace {

bool holds(const std::vector<ColumnChoice>& columns, int column) {
    return column >= 0 && column < static_cast<int>(columns.size());
}

} // namespace

bool Session::hasRoom() {
    if (choice_.columns.size() < mostColumns) return true;
    emit noticed(tr("There are %1 columns, as many as stand side by side: remove one first")
                     .arg(choice_.columns.size()));
    return false;
}

void Session::addColumn(const QString& name, const Recipe& recipe) {
    if (!hasRoom()) return;
    Choice next = choice_;
    next.columns.push_back({nextId_++, name, recipe});
    next.active = static_cast<int>(next.columns.size()) - 1;
    push(tr("adding %1").arg(name), std::move(next));
}

void Session::duplicateColumn(int column) {
    if (!holds(choice_.columns, column) || !hasRoom()) return;
    Choice next = choice_;
    ColumnChoice copy = next.columns[static_cast<std::size_t>(column)];
    copy.id = nextId_++;
    copy.name = tr("%1 copy").arg(copy.name);
    next.columns.insert(next.columns.begin() + column + 1, copy);
    next.active = column + 1;
    push(tr("duplicating %1").arg(choice_.columns[static_cast<std::size_t>(column)].name), std::move(next));
}

void Session::removeColumn(int column) {
    if (!holds(choice_.columns, column)) return;
    if (column == 0) {
        emit noticed(tr("The first column is what the others are compared with: it stays"));
        return;
    }
    Choice next = choice_;
    const QString name = next.columns[static_cast<std::size_t>(column)].name;
    if (next.reference == next.columns[static_cast<std::size_t>(column)].id)
        next.reference = next.columns.front().id;
    next.columns.erase(next.columns.begin() + column);
    if (next.active >= column) --next.active;
    push(tr("removing %1").arg(name), std::move(next));
}

void Session::renameColumn(int column, const QString& name) {
    if (!holds(choice_.columns, column) || name.trimmed().isEmpty()) return;
    Choice next = choice_;
    next.columns[static_cast<std::size_t>(column)].name = name.trimmed();
    push(tr("renaming to %1").arg(name.trimmed()), std::move(next));
}

void Session::setRecipe(int column, const Recipe& recipe) {
    if (!holds(choice_.columns, column) || column == 0) return;
    Choice next = choice_;
    next.columns[static_cast<std::size_t>(column)].recipe = recipe;
    push(tr("changing %1").arg(choice_.columns[static_cast<std::size_t>(column)].name), std::move(next));
}

void Session::moveColumn(int column, int to) {
    if (!holds(choice_.columns, column) || !holds(choice_.columns, to) || column == to) return;
    if (column == 0 || to == 0) {
        emit noticed(tr("The first column is what the others are compared with: it stays at the left"));
        return;
    }
    Choice next = choice_;
    const int activeId = next.columns[static_cast<std::size_t>(next.active)].id;
    const ColumnChoice moved = next.columns[static_cast<std::size_t>(column)];
    next.columns.erase(next.columns.begin() + column);
    next.columns.insert(next.columns.begin() + to, moved);
    next.active =
        static_cast<int>(std::ranges::find(next.columns, activeId, &ColumnChoice::id) - next.columns.begin());
    push(tr("moving %1").arg(moved.name), std::move(next));
}

void Session::pinColumn(int column) {
    if (!holds(choice_.columns, column)) return;
    Choice next = choice_;
    const ColumnChoice& pinned = next.columns[static_cast<std::size_t>(column)];
    const bool release = next.reference == pinned.id;
    next.reference = release ? next.columns.front().id : pinned.id;
    push(release ? tr("comparing with %1 again").arg(next.columns.front().name)
                 : tr("comparing with %1").arg(pinned.name),
         std::move(next));
}

void Session::copyKept(int from, int to) {
    if (!holds(choice_.columns, from) || !holds(choice_.columns, to) || from == to) return;
    const ColumnChoice& source = choice_.columns[static_cast<std::size_t>(from)];
    Choice next = choice_;
    ColumnChoice& target = next.columns[static_cast<std::size_t>(to)];
    if (target.recipe.isFp32()) {
        emit noticed(tr("%1 keeps everything already").arg(target.name));
        return;
    }
    if (source.recipe.kept.empty()) {
        emit noticed(tr("%1 keeps no channel that could be copied").arg(source.name));
        return;
    }
    target.recipe.kept.clear();
    target.recipe.keep.clear();
    std::size_t left = 0; // at sites that the other does not quantize
    for (const auto& [site, channels] : source.recipe.kept) {
        if (quantizes(target.recipe, site))
            target.recipe.kept[site] = channels;
        else
            left += channels.size();
    }
    if (left > 0)
        emit noticed(
            tr("%n channels were left out: %1 does not quantize their sites", nullptr, static_cast<int>(left))
                .arg(target.name));
    push(tr("keeping in %1 what %2 keeps").arg(target.name, source.name), std::move(next));
}

void Session::keepChannels(const QList<Site>& sites, const QList<int>& channels, bool keep) {
    Choice next = choice_;
    ColumnChoice* active = next.activeColumn();
    if (!active || sites.isEmpty() || channels.isEmpty()) return;
    for (const Site site : sites)
        if (canKeepAt(site))
            for (const int channel : channels)
                active->recipe.setKept(site, channel, keep);
    push(keep ? tr("keeping a list of channels") : tr("releasing a list of channels"), std::move(next));
}

} // namespace kurtoscope
