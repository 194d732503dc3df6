// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/channel_figures.h"

#include "widgets/figures.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kurtoscope {

namespace {

struct Words {
    Q_DECLARE_TR_FUNCTIONS(ChannelFigures)
};

constexpr std::size_t countedValues = 4'000'000, rankedValues = 200'000;
constexpr double bulk = 0.999, bulkShare = 0.9; // of the site's values, of the channel's
constexpr double room = 4, crowded = 8;         // times the bulk: where bins end, from where they do

int thinning(const SiteSample& sample, std::size_t most) {
    return static_cast<int>(std::max<std::size_t>(1, (sample.values.size() + most - 1) / most));
}

float rank(std::vector<float>& sizes, double share) {
    if (sizes.empty()) return 0;
    const auto at =
        sizes.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(sizes.size() - 1));
    std::nth_element(sizes.begin(), at, sizes.end());
    return *at;
}

// |x| up to which bins are of use, given the largest that there is.
double reach(const SiteSample& sample, int channel, double largest) {
    std::vector<float> all, own;
    const auto take = [](std::vector<float>& sizes, float value) {
        if (std::isfinite(value)) sizes.push_back(std::abs(value));
    };
    // Whole rows: a stride over values would meet some channels only.
    const int every = thinning(sample, rankedValues);
    all.reserve(sample.values.size() / static_cast<std::size_t>(every));
    for (int row = 0; row < sample.rows(); row += every)
        for (int c = 0; c < sample.channels; ++c)
            take(all, sample.at(row, c));
    for (int row = 0; row < sample.rows(); ++row)
        take(own, sample.at(row, channel));
    const double ordinary = std::max<double>(rank(all, bulk), rank(own, bulkShare));
    return ordinary > 0 && largest > crowded * ordinary ? room * ordinary : largest;
}

} // namespace

ChannelHistogram channelHistogram(const SiteSample& sample, int channel, int bins) {
    ChannelHistogram result;
    result.every = thinning(sample, countedValues);
    float low = std::numeric_limits<float>::infinity(), high = -low;
    for (int row = 0; row < sample.rows(); row += result.every)
        for (int c = 0; c < sample.channels; ++c)
            if (const float value = sample.at(row, c); std::isfinite(value))
                low = std::min(low, value), high = std::max(high, value);
    ValueCounts& h = result.histogram;
    if (low > high) return result;
    const double limit = reach(sample, channel, std::max(std::abs(low), std::abs(high)));
    h.low = std::max<double>(low, -limit);
    h.high = std::min<double>(high, limit);
    if (h.high <= h.low) h.high = h.low + std::max(1e-6, std::abs(h.low) * 1e-3);
    h.front.assign(static_cast<std::size_t>(bins), 0);
    h.back.assign(static_cast<std::size_t>(bins), 0);
    const double scale = bins / (h.high - h.low);
    for (int row = 0; row < sample.rows(); row += result.every)
        for (int c = 0; c < sample.channels; ++c) {
            const float value = sample.at(row, c);
            if (!std::isfinite(value)) {
                ++result.notFinite;
                continue;
            }
            if (value < h.low || value > h.high) {
                ValueCounts::Beyond& side = value < h.low ? h.below : h.above;
                ++(c == channel ? side.front : side.back);
                if (std::abs(value) > std::abs(result.furthest)) result.furthest = value;
                continue;
            }
            const int bin = std::clamp(static_cast<int>((value - h.low) * scale), 0, bins - 1);
            ++(c == channel ? h.front : h.back)[static_cast<std::size_t>(bin)];
        }
    return result;
}

std::vector<FactList::Fact> channelFacts(const SiteStats& stats, int channel) {
    const auto c = static_cast<std::size_t>(channel);
    std::vector<float> sorted = stats.absmax;
    // The lower middle one: with two channels, an outlier is compared with the other, not with itself.
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    double energy = 0;
    for (const double value : stats.energy)
        energy += value;
    std::vector<FactList::Fact> facts{
        {QStringLiteral("absmax"), figure(stats.absmax[c], 4), absmaxHelp()},
        {Words::tr("ratio to the median channel"),
         *middle > 0 ? figure(stats.absmax[c] / *middle) + " ×" : figure(std::nan("")),
         Words::tr("This channel's absmax / the median channel's absmax (%1) at this site.")
             .arg(figure(*middle))},
        {Words::tr("mean ± σ"), figure(stats.mean[c]) + " ± " + figure(std::sqrt(stats.variance[c])),
         Words::tr("Mean and standard deviation of this channel over %1 tokens.").arg(grouped(stats.tokens))},
        {Words::tr("channel kurtosis (Gaussian 3)"), figure(stats.kurtosis[c]), kurtosisHelp()},
        {Words::tr("site kurtosis (Gaussian 3)"), figure(stats.siteKurtosis),
         kurtosisHelp() + Words::tr("\nOver all values of the site.")},
        {Words::tr("share of the site's energy"),
         energy > 0 ? percent(stats.energy[c] / energy, 1) : figure(std::nan("")),
         Words::tr("Σ x² of this channel / Σ x² of all channels. An even share would be %1.")
             .arg(percent(1.0 / std::max(1, stats.channels), 2))},
        {Words::tr("energy in the top 1 %"), percent(stats.top1pctEnergy), energyHelp()},
        {Words::tr("tokens with |x| ≥ %1").arg(figure(stats.magnitudeBar)), percent(stats.shareAbove[c], 1),
         Words::tr("Share of tokens in which this channel reaches LLM.int8's magnitude bar.")},
    };
    if (stats.nonfinite > 0)
        facts.push_back({Words::tr("NaN or ∞ at this site"), grouped(stats.nonfinite),
                         Words::tr("Counted and left out of every other figure.")});
    return facts;
}

std::vector<TokenStrip::Entry> tokensAround(const SiteSample& sample, int channel, int token, int most) {
    std::vector<TokenStrip::Entry> entries;
    const int rows = sample.rows();
    if (rows == 0 || channel < 0 || channel >= sample.channels) return entries;
    int peak = 0;
    float largest = 0;
    for (int row = 0; row < rows; ++row)
        if (const float size = std::abs(sample.at(row, channel)); std::isfinite(size) && size > largest)
            largest = size, peak = row;
    const int centre = token >= 0 && token < rows ? token : peak;
    const int first = std::clamp(centre - most / 3, 0, std::max(0, rows - most));
    for (int row = first; row < std::min(rows, first + most); ++row) {
        const float value = sample.at(row, channel);
        const QString text = tokenText(sample.tokens[static_cast<std::size_t>(row)]);
        const double share = largest > 0 && std::isfinite(value) ? std::abs(value) / largest : 0;
        entries.push_back(
            {text,
             Words::tr("token %1 “%2”\n%3 in channel %4").arg(row).arg(text, figure(value, 4)).arg(channel),
             share, row});
    }
    return entries;
}

} // namespace kurtoscope
