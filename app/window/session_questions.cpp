// SPDX-License-Identifier: GPL-3.0-or-later
// The part of Session that answers what only some views need, and keeps the history.
#include "app/window/session.h"

#include "widgets/figures.h"

#include <algorithm>

namespace kurtoscope {
namespace {

constexpr std::size_t rememberedTexts = 8, rememberedLines = 500;
constexpr int readTokens = 256, errorWindows = 2, sensitivityWindows = 1;
constexpr double muchClipped = 0.01;         // of a site's values
constexpr std::int64_t fewCalibrated = 1000; // tokens: fewer leave ranges to chance

} // namespace

void Session::setNeeds(Needs needs) {
    if (needs == looking_.needs) return;
    looking_.needs = needs;
    schedule();
}

void Session::askSensitivity(bool run) {
    if (!run) {
        looking_.sensitivity.reset();
        return schedule();
    }
    const Column* active = workspace_.activeColumn();
    if (!active || active->recipe.isFp32()) {
        emit noticed(tr("FP32 rounds nothing: choose the column whose sensitivity you want"));
        return;
    }
    looking_.sensitivity = active->recipe;
    std::erase_if(setAside_, [](const Work& work) { return work.kind == Work::Kind::sensitivity; });
    if (!workspace_.sensitivity || workspace_.sensitivity->recipe != active->recipe)
        workspace_.sensitivity =
            std::make_shared<const SensitivityMap>(SensitivityMap{active->recipe, {}, true});
    emit changed(Change::sensitivity);
    schedule();
}

EngineThread::Job Session::jobForQuestion(const Work& work, quint64 generation) {
    const auto progress = progressOf(work, generation);
    const DataRequest data = data_;
    switch (work.kind) {
    case Work::Kind::read:
        return [this, generation, work, data, progress](Workbench& bench, std::stop_token stop) {
            auto text = std::make_shared<const TextReading>(
                bench.readText({data, work.text, work.recipe, readTokens}, stop, progress));
            deliver(generation, [this, work, text] {
                if (known_.texts.size() >= rememberedTexts) known_.texts.erase(known_.texts.begin());
                known_.texts.emplace_back(work, text);
            });
        };
    case Work::Kind::attend:
        return [this, generation, work, data, progress](Workbench& bench, std::stop_token stop) {
            auto attention = std::make_shared<const AttentionReading>(
                bench.readAttention({data, work.text, {}, work.site.layer, readTokens}, stop, progress));
            deliver(generation, [this, work, attention] {
                known_.attention = work;
                workspace_.attention = attention;
                emit changed(Change::text);
            });
        };
    case Work::Kind::errors:
        return [this, generation, work, data, progress](Workbench& bench, std::stop_token stop) {
            auto errors = std::make_shared<const RoundingErrors>(
                bench.roundingErrors(work.recipe, data, errorWindows, stop, progress));
            deliver(generation, [this, work, errors] {
                known_.errors.emplace_back(work.recipe, errors);
                for (Column& column : workspace_.columns)
                    if (column.recipe == work.recipe) {
                        column.errors = errors;
                        warnOf(*errors, column.name);
                    }
                emit changed(Change::errors);
            });
        };
    case Work::Kind::sensitivity:
        return [this, generation, work, data, progress,
                known = workspace_.sensitivity](Workbench& bench, std::stop_token stop) {
            SensitivityRequest request;
            request.recipe = work.recipe;
            request.windows = sensitivityWindows;
            if (known && known->recipe == work.recipe && known->found.windowsTotal > 0)
                request.before = known->found;
            bench.sensitivity(
                request, data, stop,
                [&](const Sensitivity& found) {
                    deliver(generation, [this, work, found] {
                        workspace_.sensitivity = std::make_shared<const SensitivityMap>(
                            SensitivityMap{work.recipe, found, !found.complete});
                        if (found.complete) known_.sensitive = work.recipe;
                        emit changed(Change::sensitivity);
                    });
                },
                progress);
        };
    default:
        return {};
    }
}

void Session::showAnswers(bool sensitivityRuns) {
    Changes what;
    if (const auto work = wantedText(choice_, looking_))
        if (const auto text = known_.text(*work); text && text != workspace_.reading) {
            workspace_.reading = text;
            what |= Change::text;
        }
    if (workspace_.sensitivity && workspace_.sensitivity->running != sensitivityRuns) {
        auto map = std::make_shared<SensitivityMap>(*workspace_.sensitivity);
        map->running = sensitivityRuns;
        workspace_.sensitivity = std::move(map);
        what |= Change::sensitivity;
    }
    if (what) emit changed(what);
}

void Session::forgetAnswers() {
    workspace_.reading = nullptr;
    workspace_.attention = nullptr;
    workspace_.sensitivity = nullptr;
    looking_.sensitivity.reset();
    for (Column& column : workspace_.columns)
        column.errors = nullptr;
}

bool Session::answersNeeds() const {
    using Kind = Work::Kind;
    const auto open = missing();
    return std::ranges::none_of(open, [this](const Work& work) {
        return (work.kind == Kind::read || work.kind == Kind::attend || work.kind == Kind::errors) &&
               std::ranges::find(setAside_, work) == setAside_.end();
    });
}

void Session::keepHistory() {
    connect(this, &Session::failed, this,
            [this](const QString& what, const QString& where, const QString& hint) {
                remember({HistoryLine::Kind::error,
                          {},
                          where.isEmpty() ? what : what + QStringLiteral(" – ") + where,
                          hint,
                          -1});
            });
    connect(this, &Session::noticed, this, [this](const QString& sentence) {
        remember({HistoryLine::Kind::note, {}, sentence, {}, -1});
    });
    connect(this, &Session::opened, this, [this] {
        for (const std::string& warning : workspace_.model->warnings)
            remember({HistoryLine::Kind::warning, {}, QString::fromStdString(warning), {}, -1});
    });
}

void Session::remember(HistoryLine line) {
    line.when = QDateTime::currentDateTime();
    auto& lines = workspace_.history;
    // A warning is said once, however often what it warns of is seen again.
    if (line.kind == HistoryLine::Kind::warning && std::ranges::any_of(lines, [&](const HistoryLine& old) {
            return old.kind == line.kind && old.what == line.what;
        }))
        return;
    if (lines.size() >= rememberedLines) lines.erase(lines.begin());
    lines.push_back(std::move(line));
    emit changed(Change::history);
}

void Session::warnOf(const Observation& observation) {
    std::int64_t values = 0;
    QString first;
    for (const SiteStats& stats : observation.sites)
        if (stats.nonfinite > 0) {
            if (values == 0) first = siteText(stats.site);
            values += stats.nonfinite;
        }
    if (values > 0)
        remember({HistoryLine::Kind::warning,
                  {},
                  tr("%1 values are NaN or infinite, first at %2").arg(grouped(values), first),
                  tr("They are counted and left out of every statistic"),
                  -1});
    const std::int64_t calibrated = std::int64_t{data_.calibrationWindows} * data_.length;
    if (calibrated < fewCalibrated)
        remember({HistoryLine::Kind::warning,
                  {},
                  tr("Calibration sees at most %1 tokens").arg(grouped(calibrated)),
                  tr("Static ranges from so few may miss outliers: give more windows or longer ones"),
                  -1});
}

void Session::warnOf(const RoundingErrors& errors, const QString& name) {
    const SiteError* worst = nullptr;
    int sites = 0;
    for (const SiteError& error : errors.sites)
        if (error.clippedShare > muchClipped) {
            ++sites;
            if (!worst || error.clippedShare > worst->clippedShare) worst = &error;
        }
    if (worst)
        remember({HistoryLine::Kind::warning,
                  {},
                  tr("%1 clips more than 1 % of the values at %n sites, most at %2: %3", nullptr, sites)
                      .arg(name, siteText(worst->site), percent(worst->clippedShare, 1)),
                  tr("Calibrate on more text, or choose a wider range"),
                  -1});
}

} // namespace kurtoscope
