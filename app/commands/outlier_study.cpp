// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/outlier_study.h"

#include "app/commands/figures.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope::commands {
namespace {

const Reading* readingOf(const std::vector<StudyRow>& rows, const std::vector<Reading>& readings,
                         const std::string& title) {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].title == title) return &readings[i];
    return nullptr;
}

std::vector<const Reading*> readingsOf(const std::vector<StudyRow>& rows,
                                       const std::vector<Reading>& readings, const std::string& prefix) {
    std::vector<const Reading*> all;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].title.starts_with(prefix)) all.push_back(&readings[i]);
    return all;
}

std::string scored(const Reading& reading) {
    return figure(reading.score);
}

// Sites of the residual stream through the depth: the sums after the feed-forward layers.
std::vector<const SiteStats*> stream(const Observation& observation) {
    std::vector<const SiteStats*> sites;
    for (const SiteStats& stats : observation.sites)
        if (stats.site.place == Place::mlp_residual) sites.push_back(&stats);
    std::sort(sites.begin(), sites.end(), [](auto* a, auto* b) { return a->site.layer < b->site.layer; });
    return sites;
}

// Spearman's correlation with the layer's number, over sites in order of depth.
template <class Value>
double trend(const std::vector<const SiteStats*>& sites, Value value) {
    const double n = double(sites.size());
    if (n < 2) return 0;
    double sum = 0;
    for (std::size_t i = 0; i < sites.size(); ++i) {
        std::size_t rank = 0;
        for (auto* other : sites)
            rank += value(*other) < value(*sites[i]);
        sum += (double(i) - double(rank)) * (double(i) - double(rank));
    }
    return 1 - 6 * sum / (n * (n * n - 1));
}

StudyClaim outliersGrow(const Observation& plain) {
    StudyClaim claim{"Activations are heavy-tailed, more so with depth",
                     "kurtosis up to 271 in the last layers", "", false};
    const auto sites = stream(plain);
    if (sites.empty()) return claim;
    const auto kurtosis = [](const SiteStats& s) { return s.siteKurtosis; };
    const auto* most = *std::max_element(sites.begin(), sites.end(),
                                         [&](auto* a, auto* b) { return kurtosis(*a) < kurtosis(*b); });
    const double rising = trend(sites, kurtosis);
    claim.measured = "kurtosis of mlp_residual " + figure(kurtosis(*sites.front()), 3) + " in layer 0, " +
                     figure(kurtosis(*sites.back()), 3) + " in the last, largest " +
                     figure(kurtosis(*most), 3) + " in layer " + std::to_string(most->site.layer) +
                     "; rank correlation with depth " + figure(rising, 2);
    claim.holds = kurtosis(*most) > 30 && rising > 0.3;
    if (!claim.holds && kurtosis(*most) > 30) claim.measured += ": heavy-tailed, but not growing with depth";
    return claim;
}

StudyClaim energyIsConcentrated(const Observation& plain) {
    StudyClaim claim{"A few channels hold most of the energy", "about 55 % in the top 1 % of channels", "",
                     false};
    const auto sites = stream(plain);
    if (sites.empty()) return claim;
    double most = 0, sum = 0;
    for (auto* s : sites)
        most = std::max(most, s->top1pctEnergy), sum += s->top1pctEnergy;
    const double mean = sum / double(sites.size());
    claim.measured =
        percent(mean) + " on average over the layers' residual sums, " + percent(most) + " at most";
    claim.holds = mean > 0.3;
    return claim;
}

} // namespace

std::vector<StudyRow> studyRows(int bits, int weightBits, const std::vector<int>& groups) {
    const std::string shared = "activation_bits=" + std::to_string(bits) +
                               ",weight_bits=" + std::to_string(weightBits) +
                               ",symmetric=off,scope=all-activations";
    std::vector<StudyRow> rows{{"FP32", "fp32", 0.8966},
                               {"Per-tensor, static", "w8a8:" + shared, 0.5433},
                               {"Mixed precision", "mixed:sites=mlp_output/mlp_residual," + shared, 0.8942}};
    for (int count : groups)
        rows.push_back({"PEG, K = " + std::to_string(count),
                        "peg:groups=" + std::to_string(count) + ",permute=on," + shared,
                        count == 3   ? std::optional(0.6612)
                        : count == 4 ? std::optional(0.8618)
                                     : std::nullopt});
    for (const char* p : {"99.0", "99.9", "99.99"})
        rows.push_back(
            {std::string("Percentile ") + p, std::string("percentile:p=") + p + "," + shared, 0.5054});
    rows.push_back({"Kept channels, ratio 10", "w8a8:" + shared + ",keep=ratio:10", std::nullopt});
    return rows;
}

std::optional<double> recovered(const Reading& fp32, const Reading& fallen, const Reading& reading) {
    // Of a perplexity what is lost and won back is likelihood: its logarithm.
    const auto of = [](const Reading& one) { return one.perplexity ? std::log(one.score) : one.score; };
    const double fall = of(fp32) - of(fallen);
    if (!fallen.differs() || fall == 0) return std::nullopt;
    return (of(reading) - of(fallen)) / fall;
}

std::vector<StudyClaim> judge(const std::vector<StudyRow>& rows, const std::vector<Reading>& readings,
                              const Observation& plain, const ModelInfo& model) {
    std::vector<StudyClaim> claims{outliersGrow(plain), energyIsConcentrated(plain)};
    const Reading &fp32 = readings[0], &fallen = readings[1];
    const double fall = fp32.lowerIsBetter
                            ? (fallen.score - fp32.score) / fp32.score
                            : (fp32.score - fallen.score) / std::max(1e-12, std::abs(fp32.score));
    {
        StudyClaim claim{"One static range per tensor collapses", "89.66 % falls to 54.33 %, near chance", "",
                         false};
        claim.measured = scored(fp32) + " becomes " + scored(fallen);
        const double chance = model.labels.empty() ? 0 : 1.0 / double(model.labels.size());
        // A collapse: most of what lies above chance is gone, or a perplexity half as large again.
        const double lost =
            fp32.lowerIsBetter ? fall : (fp32.score - fallen.score) / std::max(1e-12, fp32.score - chance);
        claim.holds = fallen.differs() && lost > 0.5;
        if (!claim.holds)
            claim.measured += fallen.differs() ? ": a loss beyond its error, but no collapse"
                                               : ": no difference beyond its error";
        claims.push_back(claim);
    }
    const auto share = [&](const Reading& reading) { return recovered(fp32, fallen, reading); };
    const auto nothingToRestore = [](StudyClaim& claim) {
        claim.measured += claim.measured.empty() ? "" : "; ";
        claim.measured += "nothing fell, so nothing can be restored: try fewer --bits";
    };
    if (const Reading* mixed = readingOf(rows, readings, "Mixed precision")) {
        StudyClaim claim{"16 bits for the feed-forward output and its residual sum restore it",
                         "89.42 %: 99 % of what was lost", scored(*mixed), false};
        if (const auto back = share(*mixed)) {
            claim.measured += ": " + percent(*back, 0) + " of what was lost";
            claim.holds = *back > 0.8;
        } else {
            nothingToRestore(claim);
        }
        claims.push_back(claim);
    }
    if (const auto peg = readingsOf(rows, readings, "PEG"); peg.size() > 1) {
        StudyClaim claim{"Per-embedding groups need enough groups", "66.12 % with K = 3, 86.18 % with K = 4",
                         "", false};
        std::size_t rising = 0;
        for (std::size_t i = 0; i < peg.size(); ++i) {
            claim.measured += (i ? ", " : "") + scored(*peg[i]);
            if (const auto back = share(*peg[i])) claim.measured += " (" + percent(*back, 0) + ")";
            const double gain =
                i == 0 ? 0 : (peg[i]->score - peg[i - 1]->score) * (fp32.lowerIsBetter ? -1 : 1);
            rising += gain > 0;
        }
        const double gain = (peg.back()->score - peg.front()->score) * (fp32.lowerIsBetter ? -1 : 1);
        const double error = std::hypot(peg.back()->differenceError, peg.front()->differenceError);
        if (share(*peg.front())) {
            claim.holds = gain > 2 * error && 2 * rising >= peg.size() - 1;
            const bool cliff = peg.size() > 1 && share(*peg[1]) && *share(*peg[1]) - *share(*peg[0]) > 0.3;
            claim.measured += cliff ? "; a cliff between the first two" : "; a slope rather than a cliff";
        } else {
            nothingToRestore(claim);
        }
        claims.push_back(claim);
    }
    if (const auto clipped = readingsOf(rows, readings, "Percentile"); !clipped.empty()) {
        StudyClaim claim{"Clipping at a percentile does not help: outliers carry signal",
                         "about 50.54 % for 99.0 to 99.99", "", false};
        double best = -INFINITY;
        for (const Reading* reading : clipped) {
            claim.measured += (claim.measured.empty() ? "" : ", ") + scored(*reading);
            best = std::max(best, share(*reading).value_or(-INFINITY));
        }
        bool worse = true; // than FP32, all of them
        for (const Reading* reading : clipped)
            worse = worse && reading->differs();
        claim.holds = worse && best < 0.5;
        if (worse && !claim.holds && std::isfinite(best))
            claim.measured += ": here clipping wins back " + percent(best, 0) + " at best";
        claims.push_back(claim);
    }
    {
        StudyClaim claim{"Nothing runs faster", "58 to 59 ms and 484 to 486 MB for all", "", true};
        // A row that rounds within floating point cannot be faster, whatever a busy machine's clock says of
        // it.
        double low = INFINITY, high = 0, fastest = INFINITY;
        for (const Reading& reading : readings) {
            if (!reading.latencyP50Ms) continue;
            low = std::min(low, *reading.latencyP50Ms), high = std::max(high, *reading.latencyP50Ms);
            if (reading.kernels == KernelTag::integer) fastest = std::min(fastest, *reading.latencyP50Ms);
        }
        const bool timed = high > 0, simulated = std::isinf(fastest);
        claim.measured =
            (timed ? figure(low, 3) + " to " + figure(high, 3) + " ms a window" : "latency was not measured");
        claim.measured +=
            simulated ? "; every row rounds within floating point, so no row can be faster" : "";
        if (timed) claim.holds = fastest > 0.8 * readings[0].latencyP50Ms.value_or(fastest);
        claims.push_back(claim);
    }
    return claims;
}

} // namespace kurtoscope::commands
