// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

struct BertNormalizerOptions {
    bool cleanText = true;    // controls dropped, every white space a plain space
    bool splitChinese = true; // spaces around ideographs
    bool stripAccents = true; // NFD, then non-spacing marks dropped
    bool lowercase = true;
};

enum class UnicodeForm : unsigned char { Nfc, Nfd, Nfkc, Nfkd };

// What is done to a text before it is cut into pieces: steps in order, none at all being common. Valid UTF-8
// in and out. Immutable once built; any thread.
class TextNormalizer {
public:
    void addBert(const BertNormalizerOptions& options);
    void addForm(UnicodeForm form); // throws Error when ICU lacks its data
    void addLowercase();

    bool empty() const { return steps_.empty(); }
    std::string normalize(std::string_view text, const std::stop_token& stop = {}) const; // throws Cancelled

private:
    std::vector<std::function<std::string(std::string)>> steps_;
};

} // namespace kurtoscope
