// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/recipe.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kurtoscope {

class Transform;
class WeightSolver;

// What numbers are stored as. The mx formats and nvfp4 carry a scale for each block of 32 (16) channels.
enum class Format : unsigned char {
    integer,
    fp16,
    bf16,
    e4m3,
    e5m2,
    mxfp8_e4m3,
    mxfp8_e5m2,
    mxfp6_e3m2,
    mxfp6_e2m3,
    mxfp4,
    nvfp4
};
// What shares one scale.
enum class Granularity : unsigned char { per_tensor, per_token, per_channel, per_group };
// How a static range is taken from calibration.
enum class RangeMethod : unsigned char { minmax, moving_average, percentile, mse, entropy };

// How one site's values are put on a grid. Static rules take their range from calibration, dynamic ones from
// the values: each sequence's own when per tensor, each row's own when per token.
struct ActivationRule {
    Format format = Format::integer;
    int bits = 8;
    bool symmetric = true, dynamic = false;
    // Symmetric integers from −2^(bits−1) on, in steps of absmax / (2^(bits−1) − ½), as compressed-tensors
    // and torchao take them; else of equal size on both sides.
    bool fullRange = false;
    // Values are multiplied by the scale's reciprocal, as torchao does, and not divided by the scale: the two
    // part at the middle between two levels, where full ranges put the largest value of all.
    bool reciprocal = false;
    Granularity granularity = Granularity::per_tensor;
    int group = 0; // channels that share a scale when per group
    int tokenRun =
        0; // tokens that share a channel's scale when per channel and dynamic; 0: all of a sequence
    RangeMethod range = RangeMethod::minmax;
    double percentile = 99.99; // of |x| (symmetric) or at both ends, in percent
    // Per-embedding groups (Bondarenko et al. 2021): K ranges along the channels, after sorting by range when
    // `permute`; 0 for none.
    int embeddingGroups = 0;
    bool permute = true;
    // LLM.int8(): channels with |x| ≥ threshold anywhere in the sequence stay out, found at run time; 0:
    // none.
    double threshold = 0;
    // As bitsandbytes does it: what lies below the threshold in such a channel counts in a row's range, and
    // the channel meets the rounded weight.
    bool outliersMeetRounded = false;

    bool perToken() const { return granularity == Granularity::per_token; }
    std::string key() const; // equal keys round alike
    bool operator==(const ActivationRule&) const = default;
};

// How a linear layer's weight [out, in] is put on a grid. per_channel: one scale for each output; per_group:
// for each `group` inputs of each output.
struct WeightRule {
    Format format = Format::integer;
    int bits = 8;
    bool symmetric = true;
    bool fullRange = false, reciprocal = false; // as an ActivationRule's
    Granularity granularity = Granularity::per_channel;
    int group = 0;
    RangeMethod range = RangeMethod::minmax;    // minmax or mse
    std::shared_ptr<const WeightSolver> solver; // null: every weight to its nearest level

    std::string key() const; // equal keys round alike
};

// Keys and values as attention's cache would hold them: a scale for each channel of a key over `group`
// tokens, one for each token of a value in each head; or, fixed, symmetric in one range for all keys of a
// layer, after their rotary embedding, and one for its values.
struct CacheRule {
    int bits = 8, group = 32;
    bool fixed = false;
    Format format = Format::integer; // fixed: or e4m3

    bool operator==(const CacheRule&) const = default;
};

// Not quantization: what happens to chosen channels, to see what they carry.
struct AblationRule {
    enum class How : unsigned char { zero, clamp, mean } how = How::zero;
    bool firstTokenOnly = false; // of each sequence
    std::string place;           // whose chosen channels; a Place's name

    bool operator==(const AblationRule&) const = default;
};

// What a recipe does, put together from its schemes in order: transforms of the model, then one way to round
// weights and one to round activations. A side that nobody speaks for stays in float32.
class Plan {
public:
    // How firmly a scheme speaks for a side. A transform's own default gives way to a scheme that leaves the
    // side alone (aside) or quantizes it, a scheme's default to one that was told or does nothing else; two
    // that insist are refused.
    enum class Claim : unsigned char { fallback, aside, usual, told };

    std::vector<std::shared_ptr<const Transform>> transforms;
    std::optional<ActivationRule> activations;
    std::optional<WeightRule> weights;
    std::optional<CacheRule> cache;
    std::optional<AblationRule> ablation;
    std::map<std::string, int> siteBits; // of sites ("layers.3.mlp_output") and Places ("mlp_residual")
    bool stored = false;                 // activations as the opened checkpoint says
    bool head = false;                   // a language model's output head too, as the other linear layers
    bool bf16Attention = false;          // queries, keys, values and softmax's result cast before they are multiplied
    bool rangesGiven = false;            // static ranges stand in the recipe, for every site
    std::string keep;                    // the criterion that a scheme brings along where the recipe has none

    // Throws Error naming both schemes when an earlier one insists as much. Empty: left in float32.
    void claimActivations(const std::string& scheme, Claim claim, std::optional<ActivationRule> rule);
    void claimWeights(const std::string& scheme, Claim claim, std::optional<WeightRule> rule);

    // Both sides cast to a floating-point format, which needs no range.
    void claimCast(const std::string& scheme, Format format);

    // What cannot go together says so before anything runs. Throws Error.
    void check(const Recipe& recipe) const;
    bool needsCalibration() const;
    bool rounds() const { return activations || weights || cache || stored || bf16Attention; }
    std::string transformsKey() const; // equal keys reshape a model alike

private:
    struct Holder {
        std::string scheme;
        Claim claim = Claim::fallback;
    };
    std::optional<Holder> activationsHolder_, weightsHolder_;
};

} // namespace kurtoscope
