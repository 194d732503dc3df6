// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/model/tensor_file.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace kurtoscope::test {

// A golden .safetensors file read as floats.
class TensorTable {
public:
    explicit TensorTable(const std::string& file) : file_(TensorFile::openSafetensors(file)) {}

    bool has(const std::string& name) const { return file_->find(name) != nullptr; }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& tensor : file_->tensors())
            all.push_back(tensor.name);
        return all;
    }
    const StoredTensor& stored(const std::string& name) const {
        const StoredTensor* tensor = file_->find(name);
        if (!tensor) throw Error("has no tensor \"" + name + "\"", "the golden file", "Make it again");
        return *tensor;
    }
    std::vector<float> floats(const std::string& name) const {
        const StoredTensor& tensor = stored(name);
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        dequantize(tensor, values);
        return values;
    }
    std::vector<int> integers(const std::string& name) const {
        const auto values = floats(name); // ids and channels here are far below 2²⁴
        return {values.begin(), values.end()};
    }

private:
    std::shared_ptr<const TensorFile> file_;
};

// The largest |got − expected|; infinite where the sizes differ or a value is NaN, so that a test cannot pass
// on nothing.
inline float largestDifference(const std::vector<float>& got, const std::vector<float>& expected) {
    if (got.size() != expected.size() || got.empty()) return INFINITY;
    float largest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const float difference = std::abs(got[i] - expected[i]);
        if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
    }
    return largest;
}

} // namespace kurtoscope::test

// Fails the test function with the figure in the message.
#define CLOSE(got, expected, tolerance)                                                                      \
    do {                                                                                                     \
        const float difference_ = kurtoscope::test::largestDifference(got, expected);                        \
        QVERIFY2(difference_ <= (tolerance),                                                                 \
                 qPrintable(QStringLiteral("%1 against %2: off by %3, allowed %4")                           \
                                .arg(#got, #expected)                                                        \
                                .arg(double(difference_))                                                    \
                                .arg(double(tolerance))));                                                   \
    } while (false)
