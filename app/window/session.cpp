// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/session.h"

#include "app/window/choice_changed.h"
#include "app/window/first_look.h"
#include "core/base/error.h"

#include <algorithm>
#include <utility>

namespace kurtoscope {
namespace {

constexpr std::size_t mostTried = 40;

bool holds(const std::vector<ColumnChoice>& columns, int column) {
    return column >= 0 && column < static_cast<int>(columns.size());
}

QString siteName(Site site) {
    return QString::fromStdString(site.name());
}

// A click on a channel must not have every curve and map drawn anew.
Changes difference(const Column& was, const Column& is) {
    Changes what;
    Recipe keepingTheSame = was.recipe;
    keepingTheSame.kept = is.recipe.kept;
    if (was.name != is.name || keepingTheSame != is.recipe) what |= Change::columns;
    if (was.recipe != is.recipe) what |= Change::kept | Change::reading;
    if (was.stale != is.stale || was.fromFile != is.fromFile) what |= Change::reading;
    if (was.observation != is.observation) what |= Change::observation;
    if (was.errors != is.errors) what |= Change::errors;
    return what;
}

} // namespace

Session::Session(const WorkbenchOptions& options, Choice start, QObject* parent)
    : QObject(parent), options_(options), startChoice_(std::move(start)), engine_(options) {
    choice_ = startChoice_;
    for (const auto& column : choice_.columns)
        nextId_ = std::max(nextId_, column.id + 1);
    provenance_.version = Workbench::version();
    provenance_.seed = options.seed;
    showColumns({});
    keepHistory();
    connect(&engine_, &EngineThread::finished, this, &Session::takeEnd);
    connect(&engine_, &EngineThread::failed, this, &Session::takeFailure);
}

Session::~Session() = default;

void Session::setDefaultData(const DataRequest& data) {
    data_ = defaultData_ = data;
}

// ---- what is looked at
// --------------------------------------------------------------------------------------------

void Session::look(Site site, int channel) {
    if (site != workspace_.site || !looking_.siteChosen) {
        if (workspace_.sample && workspace_.sample->site != site) workspace_.sample = nullptr;
        if (workspace_.typed && workspace_.typed->site != site) workspace_.typed = nullptr;
        if (known_.sample && known_.sample->site != site) known_.sample.reset();
        if (known_.typed && known_.typed->site != site) known_.typed.reset();
        workspace_.grid.clear();
        known_.grid.reset();
    }
    workspace_.site = looking_.site = site;
    workspace_.channel = channel;
    looking_.siteChosen = true;
}

void Session::selectSite(Site site) {
    choseSite_ = true;
    if (looking_.siteChosen && site == workspace_.site) return;
    const SiteStats* from = workspace_.stats(workspace_.site);
    const SiteStats* to = workspace_.stats(site);
    // The same channel is followed through the depth of the model; where the width differs, the largest one
    // is shown.
    int channel = workspace_.channel;
    if (to && (!from || from->channels != to->channels || channel < 0)) channel = largestChannel(*to);
    look(site, channel);
    emit changed(Change::selection | Change::sample);
    schedule();
}

void Session::selectChannel(Site site, int channel) {
    choseSite_ = true;
    if (looking_.siteChosen && site == workspace_.site && channel == workspace_.channel) return;
    look(site, channel);
    emit changed(Change::selection | Change::sample);
    schedule();
}

void Session::selectToken(int token) {
    if (token == workspace_.token) return;
    workspace_.token = token;
    emit changed(Change::selection);
}

void Session::typeText(const QString& text) {
    looking_.text = text.trimmed().isEmpty() ? std::string() : text.toStdString();
    workspace_.text = QString::fromStdString(looking_.text);
    if (looking_.text.empty()) {
        workspace_.typed = nullptr;
        known_.typed.reset();
        emit changed(Change::sample);
    }
    schedule();
}

void Session::setSkipFirstToken(bool skip) {
    if (skip == workspace_.skipFirstToken) return;
    workspace_.skipFirstToken = skip;
    known_.grid.reset();
    emit changed(Change::observation | Change::selection);
    schedule();
}

void Session::showBeside(std::shared_ptr<const Observation> seen) {
    if (seen == workspace_.beside) return;
    workspace_.beside = std::move(seen);
    emit changed(Change::observation);
}

Changes Session::chooseFirstSite() {
    if (choseSite_ || !workspace_.baseline()) return {};
    ChannelSets kept;
    if (const Column* column = workspace_.activeColumn()) {
        kept = column->recipe.kept;
        if (kept.empty() && !column->recipe.keep.empty()) {
            try { // not resolved yet: what it will most likely be, so that the eye is not led elsewhere first
                kept = outliers(Criterion::parse(column->recipe.keep));
            } catch (const Error&) {
                kept.clear(); // resolving it will say what is wrong with it
            }
        }
    }
    const auto first = firstLook(workspace_.baseline()->sites, kept);
    if (!first ||
        (looking_.siteChosen && first->site == workspace_.site && first->channel == workspace_.channel))
        return {};
    look(first->site, first->channel);
    return Change::selection | Change::sample;
}

// ---- columns and kept channels
// ------------------------------------------------------------------------------------

void Session::push(const QString& text, Choice next) {
    if (next == choice_) return;
    undo_.push(new ChoiceChanged(*this, text, choice_, std::move(next))); // push() redoes, which applies it
}

void Session::apply(Choice next) {
    const auto previousIds = columnIds_;
    choice_ = std::move(next);
    for (auto& column : choice_.columns)
        if (const Recipe* resolved = known_.resolution(column.recipe)) column.recipe = *resolved;
    if (!holds(choice_.columns, choice_.active))
        choice_.active = static_cast<int>(choice_.columns.size()) - 1;
    known_.keepOnly(choice_);
    if (const Changes what = showColumns(previousIds)) emit changed(what);
    schedule();
}

Changes Session::showColumns(const std::vector<int>& previousIds) {
    const auto before = std::exchange(workspace_.columns, {});
    const int activeBefore = std::exchange(workspace_.active, choice_.active);
    const int referenceBefore = std::exchange(workspace_.reference, choice_.referenceIndex());
    columnIds_.clear();
    for (const auto& wanted : choice_.columns) {
        Column column;
        const auto id = std::ranges::find(previousIds, wanted.id);
        if (id != previousIds.end()) column = before[static_cast<std::size_t>(id - previousIds.begin())];
        const bool sameRecipe = column.recipe == wanted.recipe;
        column.name = wanted.name;
        column.recipe = wanted.recipe;
        column.errors = known_.errorsOf(wanted.recipe);
        if (auto observation = known_.observation(wanted.recipe)) column.observation = observation;
        if (const Reading* reading = known_.reading(wanted.recipe)) {
            column.reading = *reading;
            column.stale = false;
            column.fromFile = known_.isFromFile(wanted.recipe);
        } else if (column.reading && !sameRecipe) {
            column.stale = true;
        }
        workspace_.columns.push_back(std::move(column));
        columnIds_.push_back(wanted.id);
    }
    showTried();
    if (columnIds_ != previousIds)
        return Change::columns | Change::kept | Change::reading | Change::observation;
    Changes what;
    if (choice_.active != activeBefore) what |= Change::columns | Change::kept;
    if (workspace_.reference != referenceBefore) what |= Change::columns | Change::reading;
    for (std::size_t i = 0; i < before.size(); ++i)
        what |= difference(before[i], workspace_.columns[i]);
    return what;
}

void Session::showTried() {
    workspace_.tried.clear();
    for (auto one = known_.readings.rbegin();
         one != known_.readings.rend() && workspace_.tried.size() < mostTried; ++one)
        if (!one->first.isFp32() &&
            std::ranges::find(choice_.columns, one->first, &ColumnChoice::recipe) == choice_.columns.end())
            workspace_.tried.push_back({one->first, one->second});
    std::ranges::reverse(workspace_.tried);
}

bool Session::canKeepAt(Site site) const {
    return holds(choice_.columns, choice_.active) &&
           quantizes(choice_.columns[static_cast<std::size_t>(choice_.active)].recipe, site);
}

void Session::toggleChannels(Site site, QList<int> channels) {
    ColumnChoice* active = choice_.activeColumn();
    if (!active || channels.isEmpty()) return;
    if (!canKeepAt(site)) {
        emit noticed(
            active->recipe.isFp32()
                ? tr("%1 keeps everything already: make another column the active one").arg(active->name)
                : tr("%1 does not quantize %2, so there is nothing to keep")
                      .arg(active->name, siteName(site)));
        return;
    }
    Choice next = choice_;
    Recipe& recipe = next.activeColumn()->recipe;
    for (const int channel : std::as_const(channels))
        recipe.setKept(site, channel, !recipe.keeps(site, channel));
    push(channels.size() == 1
             ? tr("channel %1 of %2").arg(channels.front()).arg(siteName(site))
             : tr("%n channels of %1", nullptr, static_cast<int>(channels.size())).arg(siteName(site)),
         std::move(next));
}

void Session::toggleBlock(QList<Site> sites, QList<int> channels, bool keep) {
    sites.removeIf([this](Site site) { return !canKeepAt(site); });
    if (sites.isEmpty()) {
        emit noticed(tr("The active column does not quantize these sites, so there is nothing to keep"));
        return;
    }
    Choice next = choice_;
    Recipe& recipe = next.activeColumn()->recipe;
    for (const Site site : std::as_const(sites))
        for (const int channel : std::as_const(channels))
            recipe.setKept(site, channel, keep);
    push(tr(keep ? "keeping a block" : "releasing a block"), std::move(next));
}

void Session::clearKept() {
    Choice next = choice_;
    if (ColumnChoice* active = next.activeColumn()) {
        active->recipe.kept.clear();
        active->recipe.keep.clear();
    }
    push(tr("releasing every channel"), std::move(next));
}

ChannelSets Session::outliers(const Criterion& criterion) const {
    const Observation* baseline = workspace_.baseline();
    if (!baseline) return {};
    ChannelSets found =
        outlierChannels(workspace_.skipFirstToken ? baseline->withoutFirstToken : baseline->sites, criterion);
    std::erase_if(found, [this](const auto& entry) { return !canKeepAt(entry.first); });
    return found;
}

void Session::mark(const ChannelSets& channels) {
    if (workspace_.marked == channels) return;
    workspace_.marked = channels;
    emit changed(Change::marked);
}

void Session::keep(const ChannelSets& channels, bool replace) {
    Choice next = choice_;
    ColumnChoice* active = next.activeColumn();
    if (!active) return;
    if (replace) active->recipe.kept.clear();
    active->recipe.keep.clear();
    for (const auto& [site, set] : channels)
        if (canKeepAt(site)) active->recipe.kept[site].insert(set.begin(), set.end());
    mark({});
    push(tr("keeping outliers"), std::move(next));
}

void Session::activateColumn(int column) {
    if (!holds(choice_.columns, column) || column == choice_.active) return;
    choice_.active = workspace_.active = column; // a look, not a change: nothing to undo
    emit changed(Change::columns | Change::kept);
    schedule();
}

} // namespace kurtoscope
