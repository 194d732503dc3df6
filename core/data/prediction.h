// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace kurtoscope {

struct Candidate {
    int id = 0;
    std::string token; // or a class label
    double probability = 0;
};

// What a model says of one text: ids, readable tokens, the likeliest next tokens (causal), classes, or nothing (embedding).
struct Prediction {
    std::vector<int> ids;
    std::vector<std::string> tokens;
    std::vector<Candidate> top;
};

} // namespace kurtoscope
