// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace kurtoscope {

class ByteReader;
class ByteWriter;

// Count, extremes and central moments of one set of values, in double. Non-finite values are only counted.
struct Moments {
    double count = 0, mean = 0, m2 = 0, m3 = 0, m4 = 0; // m2, m3, m4: Σ (x − mean)², …³, …⁴
    double above = 0;                                   // values with |x| ≥ the bar
    double nonfinite = 0;
    float min = std::numeric_limits<float>::infinity(), max = -std::numeric_limits<float>::infinity();

    KURTOSCOPE_API void add(float value, float bar);
    KURTOSCOPE_API void merge(const Moments& other);

    float absmax() const { return count > 0 ? (max > -min ? max : -min) : 0.0F; }
    double energy() const { return m2 + count * mean * mean; } // Σ x²
    // Population figures; quiet NaN where they are undefined: nothing counted, or no variation for the last
    // two.
    KURTOSCOPE_API double variance() const;
    KURTOSCOPE_API double skewness() const;
    KURTOSCOPE_API double kurtosis() const; // Pearson's: a Gaussian has 3
};

// Moments of every channel of a site. A block of rows is summed about its first row and merged as one, so the
// result depends on how rows are cut into blocks only by rounding, and on threads not at all. Disjoint
// channel ranges may be added from several threads; everything else is for one thread.
class KURTOSCOPE_API ChannelMoments {
public:
    explicit ChannelMoments(float bar = 6) : bar_(bar) {}

    int channels() const { return channels_; }
    float bar() const { return bar_; }
    void grow(int channels); // new channels are empty; never shrinks
    void clear();            // no channels; its memory stays for those to come

    // Adds channels [begin, end) of `rows` rows, `stride` floats apart; `values` points at channel 0 of the
    // first row. `end` ≤ channels(). `large`, if given, is shown every tile with a finite |x| ≥ `bar` while
    // it is near: channels [begin, end) of all rows; `values` points at channel `begin` of the first.
    using LargeTile = std::function<void(const float* values, std::int64_t stride, int begin, int end)>;
    void add(const float* values, std::int64_t rows, std::int64_t stride, int begin, int end, float bar = 0,
             const LargeTile& large = {});
    void merge(const ChannelMoments& other); // grows to the wider of the two

    Moments at(int channel) const;
    Moments whole() const; // of all channels together
    void write(ByteWriter& to) const;
    void read(ByteReader& from); // what write() wrote, in place of what is there

private:
    void addPanel(const float* values, std::int64_t rows, std::int64_t stride, int begin, int channels,
                  float bar, const LargeTile& large);
    template <class These>
    static auto tileAt(These& from, int channel);
    float addSlowly(const float* values, std::int64_t rows, std::int64_t stride, int channel);
    void set(int channel, const Moments& moments);

    std::size_t index(int figure, int channel) const {
        return static_cast<std::size_t>(figure) * static_cast<std::size_t>(channels_) +
               static_cast<std::size_t>(channel);
    }

    enum Figure { count, mean, m2, m3, m4, above, nonfinite, figures };

    float bar_;
    int channels_ = 0;
    // Figure by figure, so that neighbouring channels are merged in one vector operation; all in two pieces
    // of memory, since there are many small ones of these.
    std::vector<double> doubles_; // [figure, channel]
    std::vector<float> floats_;   // [lowest or highest, channel]
};

} // namespace kurtoscope
