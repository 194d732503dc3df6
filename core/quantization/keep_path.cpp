// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantization/keep_path.h"

#include <algorithm>
#include <numeric>
#include <queue>

namespace kurtoscope {
namespace {

// One site's channels from the largest down, without those that are banned, and how far they are kept.
struct Ladder {
    Site site;
    std::vector<int> order;
    std::vector<float> absmax; // by order
    double noise = 0;          // with none kept
    float floor = 0;           // the largest banned channel: the range never falls below it
    std::size_t kept = 0;

    float range(std::size_t count) const {
        return std::max(count < order.size() ? absmax[count] : 0.0F, floor);
    }
    double noiseAt(std::size_t count) const {
        const float whole = range(0);
        return whole > 0
                   ? noise * double(range(count)) * double(range(count)) / (double(whole) * double(whole))
                   : 0;
    }
    // The run of channels from here on that takes most noise away per channel. Looking only one step ahead
    // would stop before two equally large channels.
    struct Step {
        std::size_t length = 0;
        double gain = 0; // per channel
    };
    Step best() const {
        Step step;
        constexpr std::size_t ahead = 64;
        for (std::size_t n = 1; n <= ahead && kept + n <= order.size(); ++n) {
            const double gain = (noiseAt(kept) - noiseAt(kept + n)) / double(n);
            if (gain > step.gain) step = {n, gain};
        }
        return step;
    }
};

bool has(const std::map<Site, std::set<int>>& sets, Site site, int channel) {
    const auto found = sets.find(site);
    return found != sets.end() && found->second.contains(channel);
}

} // namespace

std::map<Site, std::set<int>> KeepPath::first(std::size_t count) const {
    std::map<Site, std::set<int>> sets;
    for (std::size_t i = 0; i < std::min(count, choices.size()); ++i)
        sets[choices[i].site].insert(choices[i].channel);
    return sets;
}

KeepPath keepPath(const std::vector<KeepCandidate>& candidates, const KeepGoal& goal, std::size_t most) {
    std::vector<Ladder> ladders;
    double whole = 0;
    for (const KeepCandidate& candidate : candidates) {
        Ladder ladder;
        ladder.site = candidate.site;
        ladder.noise = candidate.noiseToSignal;
        whole += ladder.noise;
        std::vector<int> pinned, free;
        for (int channel = 0; channel < int(candidate.absmax.size()); ++channel) {
            if (has(goal.banned, candidate.site, channel))
                ladder.floor = std::max(ladder.floor, candidate.absmax[std::size_t(channel)]);
            else
                (has(goal.pinned, candidate.site, channel) ? pinned : free).push_back(channel);
        }
        const auto larger = [&](int a, int b) {
            return candidate.absmax[std::size_t(a)] > candidate.absmax[std::size_t(b)];
        };
        std::stable_sort(free.begin(), free.end(), larger);
        ladder.order = pinned;
        ladder.order.insert(ladder.order.end(), free.begin(), free.end());
        for (std::size_t i = 0; i < ladder.order.size(); ++i) {
            // Behind pinned channels the range is that of the largest still to come.
            float largest = 0;
            for (std::size_t j = i; j < std::min(ladder.order.size(), pinned.size() + 1); ++j)
                largest = std::max(largest, candidate.absmax[std::size_t(ladder.order[j])]);
            ladder.absmax.push_back(i <= pinned.size() ? largest
                                                       : candidate.absmax[std::size_t(ladder.order[i])]);
        }
        ladder.kept = 0;
        ladders.push_back(std::move(ladder));
    }
    KeepPath path;
    double left = whole;
    const auto take = [&](Ladder& ladder) {
        left += ladder.noiseAt(ladder.kept + 1) - ladder.noiseAt(ladder.kept);
        path.choices.push_back(
            {ladder.site, ladder.order[ladder.kept++], whole > 0 ? std::max(0.0, left / whole) : 0});
    };
    for (Ladder& ladder : ladders)
        while (ladder.kept < ladder.order.size() && has(goal.pinned, ladder.site, ladder.order[ladder.kept]))
            take(ladder);
    struct Offer {
        double gain;
        std::size_t ladder, length;
        bool operator<(const Offer& other) const {
            return gain != other.gain ? gain < other.gain : ladder > other.ladder;
        }
    };
    std::priority_queue<Offer> offers;
    const auto offer = [&](std::size_t i) {
        if (const auto step = ladders[i].best(); step.length > 0) offers.push({step.gain, i, step.length});
    };
    for (std::size_t i = 0; i < ladders.size(); ++i)
        offer(i);
    while (!offers.empty() && path.choices.size() < most) {
        const Offer next = offers.top();
        offers.pop();
        for (std::size_t n = 0; n < next.length && path.choices.size() < most; ++n)
            take(ladders[next.ladder]);
        offer(next.ladder);
    }
    return path;
}

} // namespace kurtoscope
