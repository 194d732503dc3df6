// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/regularization_study.h"

#include "app/commands/figures.h"

#include <algorithm>
#include <cmath>

namespace kurtoscope::commands {
namespace {

// The bars. A claim that misses its bar "does not hold here", however near it is.
constexpr double early = 0.25;      // share of the training by which half of the outliers are there
constexpr double most = 0.5;        // of outliers at the named sites; of a gap closed
constexpr double flatter = 0.8;     // of the plain run's kurtosis, at most
constexpr double competitive = 1.1; // of the plain run's perplexity, at most
constexpr double opposed = -0.3;    // correlation that counts as moving from one to the other

const StudyArm* armOf(const std::vector<StudyArm>& arms, const std::string& id) {
    for (const StudyArm& arm : arms)
        if (arm.id == id) return &arm;
    return nullptr;
}

const Reading* at(const StudyArm* arm, int weights, int activations) {
    const GridCell* cell = arm ? arm->grid.find(weights, activations) : nullptr;
    return cell ? &cell->reading : nullptr;
}

std::string scored(const Reading& reading) {
    return figure(reading.score) + " ± " + figure(reading.standardError, 2);
}

// Perplexity lost from one width to another of the same arm, with its error. Both are paired with the arm's
// own W16A16, so the errors add up at most.
struct Loss {
    double value = 0, error = 0;
};
Loss lossBetween(const Reading& from, const Reading& to) {
    return {to.score - from.score, to.differenceError + from.differenceError};
}
std::string lossText(const Loss& loss) {
    return (loss.value > 0 ? "+" : "") + figure(loss.value, 3) + " ± " + figure(loss.error, 2);
}

EmergenceTotals lastOf(const StudyArm& arm) {
    return arm.emergence.steps.empty() ? EmergenceTotals() : totals(arm.emergence.steps.back());
}

StudyClaim emergesEarly(const StudyArm* plain) {
    StudyClaim claim{"Outlier channels emerge early in training", "they are there early on", "", false};
    if (!plain || plain->emergence.steps.size() < 3) {
        claim.measured = "too few checkpoints to tell";
        return claim;
    }
    const auto& steps = plain->emergence.steps;
    const double whole = steps.back().step;
    const std::size_t end = totals(steps.back()).outliers;
    for (const EmergenceStep& step : steps) {
        const std::size_t here = totals(step).outliers;
        if (step.step == 0 || end == 0 || 2 * here < end) continue;
        claim.measured = std::to_string(here) + " of the " + std::to_string(end) +
                         " at the end are there by step " + std::to_string(step.step) + " of " +
                         figure(whole);
        claim.holds = step.step <= early * whole;
        return claim;
    }
    claim.measured = "no channel's mean magnitude is over 6 × its site's at the end; the largest ratio to "
                     "the median channel is " +
                     figure(totals(steps.back()).maxToMedian, 3) + ", at the first checkpoint " +
                     figure(totals(steps.front()).maxToMedian, 3);
    return claim;
}

StudyClaim sitesAreTheStreams(const StudyArm* plain) {
    StudyClaim claim{"They sit where the residual stream is read: the first layer's attention projection, "
                     "the others' QKV inputs",
                     "most of them", "", false};
    const Whereabouts found = plain ? whereabouts(plain->emergence) : Whereabouts();
    if (found.outliers == 0) {
        claim.measured = "no outlier channel at the end";
        return claim;
    }
    claim.measured =
        std::to_string(found.named) + " of " + std::to_string(found.outliers) + " outlier channels";
    claim.holds = double(found.named) > most * double(found.outliers);
    return claim;
}

StudyClaim fourBitsHurt(const StudyArm* plain) {
    StudyClaim claim{"4-bit activations hurt a model that was trained plainly", "perplexity far above W16A16",
                     "", false};
    const Reading *whole = at(plain, 16, 16), *cut = at(plain, 16, 4);
    if (!whole || !cut) return claim;
    claim.measured = "W16A4 " + scored(*cut) + " against W16A16 " + scored(*whole);
    claim.holds = cut->score > competitive * whole->score && cut->differs();
    return claim;
}

StudyClaim qatRescues(const StudyArm* plain, const StudyArm* qat) {
    StudyClaim claim{"Learned clipping (QAT of inputs) makes 4-bit activations usable",
                     "W16A4 close to W16A16", "", false};
    const Reading *whole = at(plain, 16, 16), *cut = at(plain, 16, 4), *mine = at(qat, 16, 4);
    if (!whole || !cut || !mine) return claim;
    const double gap = cut->score - whole->score, closed = gap > 0 ? (cut->score - mine->score) / gap : 0;
    claim.measured = "W16A4 " + scored(*mine) + "; " + percent(closed, 0) + " of the plain run's gap of " +
                     figure(gap, 3) + " is closed";
    claim.holds = closed > most;
    return claim;
}

StudyClaim qatAloneMoves(const StudyArm* qat, const StudyArm* both) {
    StudyClaim claim{
        "QAT alone pushes the difficulty into the weights: 4-bit weights then cost more than with both",
        "W4A4 by RTN falls far behind W16A4", "", false};
    const Reading *qatWide = at(qat, 16, 4), *qatNarrow = at(qat, 4, 4), *bothWide = at(both, 16, 4),
                  *bothNarrow = at(both, 4, 4);
    if (!qatWide || !qatNarrow || !bothWide || !bothNarrow) return claim;
    const Loss alone = lossBetween(*qatWide, *qatNarrow), together = lossBetween(*bothWide, *bothNarrow);
    claim.measured = "from W16A4 to W4A4: QAT alone " + lossText(alone) + ", both " + lossText(together);
    claim.holds = alone.value - together.value > 2 * (alone.error + together.error);
    return claim;
}

StudyClaim penaltyFlattens(const StudyArm* plain, const StudyArm* kurtosis, const StudyArm* both) {
    StudyClaim claim{"The kurtosis penalty keeps activations from growing heavy tails",
                     "kurtosis stays near a Gaussian's 3", "", false};
    if (!plain || !kurtosis || !both) return claim;
    const double base = lastOf(*plain).kurtosis, one = lastOf(*kurtosis).kurtosis,
                 two = lastOf(*both).kurtosis;
    claim.measured = "largest input kurtosis " + figure(base, 3) + " plain, " + figure(one, 3) +
                     " with the penalty, " + figure(two, 3) + " with both";
    claim.holds = base > 0 && one <= flatter * base && two <= flatter * base;
    return claim;
}

StudyClaim difficultyMigrates(const StudyArm* qat) {
    StudyClaim claim{"As activations are made easy, weights become hard",
                     "weight kurtosis grows under QAT alone", "", false};
    if (!qat || qat->emergence.steps.size() < 4) {
        claim.measured = "too few checkpoints to tell";
        return claim;
    }
    const double r = migrationCorrelation(qat->emergence);
    const EmergenceTotals first = totals(qat->emergence.steps[1]), last = lastOf(*qat);
    claim.measured = "over QAT's checkpoints activation kurtosis and RTN-4 weight error correlate with r = " +
                     figure(r, 2) + "; largest weight kurtosis " + figure(first.weightKurtosis, 3) + " → " +
                     figure(last.weightKurtosis, 3);
    claim.holds = r < opposed && last.weightKurtosis > first.weightKurtosis;
    return claim;
}

StudyClaim bothCompete(const StudyArm* plain, const StudyArm* both) {
    StudyClaim claim{"With both, W4A4 competes with W16A16", "W4A4 close to the W16A16 baseline", "", false};
    const Reading *whole = at(plain, 16, 16), *mine = at(both, 4, 4);
    if (!whole || !mine) return claim;
    claim.measured = "W4A4 " + scored(*mine) + " against the plain run's W16A16 " + scored(*whole);
    if (const GridCell* solved = both->solved.find(4, 4))
        claim.measured += "; by GPTQ " + scored(solved->reading);
    claim.holds = mine->score <= competitive * whole->score;
    return claim;
}

StudyClaim bothAreBest(const std::vector<StudyArm>& arms, const StudyArm* both) {
    StudyClaim claim{"Of the four, both together are best at W4A4", "both beats either alone", "", false};
    const Reading* mine = at(both, 4, 4);
    if (!mine) return claim;
    claim.holds = true;
    for (const StudyArm& arm : arms) {
        const Reading* other = at(&arm, 4, 4);
        if (!other) continue;
        claim.measured += (claim.measured.empty() ? "" : ", ") + arm.title + " " + scored(*other);
        if (arm.id != "both" && other->score <= mine->score) claim.holds = false;
    }
    return claim;
}

} // namespace

std::vector<StudyArm> studyArms(const TrainingSpec& base, const std::string& lambda, int bits) {
    std::vector<StudyArm> arms{{"none", "none", base, {}, {}, {}, {}},
                               {"kurtosis", "kurtosis", base, {}, {}, {}, {}},
                               {"qat", "QAT", base, {}, {}, {}, {}},
                               {"both", "both", base, {}, {}, {}, {}}};
    for (StudyArm& arm : arms) {
        arm.spec.name = arm.title;
        if (arm.id == "qat" || arm.id == "both") arm.spec.inputBits = bits;
        if (arm.id == "kurtosis" || arm.id == "both")
            arm.spec.regularizers.push_back({"kurtosis", {{"lambda", lambda}}});
    }
    return arms;
}

std::vector<StudyClaim> judge(const std::vector<StudyArm>& arms) {
    const StudyArm *plain = armOf(arms, "none"), *kurtosis = armOf(arms, "kurtosis"),
                   *qat = armOf(arms, "qat"), *both = armOf(arms, "both");
    std::vector<StudyClaim> claims{emergesEarly(plain),
                                   sitesAreTheStreams(plain),
                                   fourBitsHurt(plain),
                                   qatRescues(plain, qat),
                                   penaltyFlattens(plain, kurtosis, both),
                                   difficultyMigrates(qat),
                                   qatAloneMoves(qat, both),
                                   bothCompete(plain, both),
                                   bothAreBest(arms, both)};
    for (StudyClaim& claim : claims)
        if (claim.measured.empty()) claim.measured = "an arm that this needs did not end";
    return claims;
}

} // namespace kurtoscope::commands
