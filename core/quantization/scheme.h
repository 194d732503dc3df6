// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "core/quantization/plan.h"

#include <string>
#include <vector>

namespace kurtoscope {

// What one scheme of a recipe was told, with defaults for the rest. Values were checked against the scheme's
// parameters.
class Told {
public:
    Told(const SchemeInfo& info, const RecipePart& part) : info_(info), part_(part) {}
    std::string text(const std::string& id) const;
    int integer(const std::string& id) const;
    double real(const std::string& id) const;
    bool on(const std::string& id) const { return text(id) == "on"; }
    bool given(const std::string& id) const { return part_.parameters.contains(id); }
    bool givenAny(const std::vector<std::string>& ids) const;

private:
    const SchemeInfo& info_;
    const RecipePart& part_;
};

// A way to quantize: says in the plan what it does. What it says holds for every site and linear layer of the
// recipe's scope; kept channels and sites in high precision are honoured for all schemes alike. One file
// each, registered on its last line.
class Scheme {
public:
    virtual ~Scheme() = default;
    std::string_view id() const { return info().id; }
    virtual const SchemeInfo& info() const = 0;
    // Throws Error for parameters that exclude one another, or exclude what earlier schemes planned.
    virtual void plan(const Told& told, Plan& plan) const = 0;
};

template <>
Registry<Scheme>& Registry<Scheme>::instance();

// A checked parameter's number, whatever the locale's comma.
double numberOf(const std::string& value);

// Parameters in the words that all schemes share.
ParameterInfo choiceOf(std::string id, std::string title, std::string help, std::string fallback,
                       std::vector<std::string> choices);
ParameterInfo integerOf(std::string id, std::string title, std::string help, int fallback, int low, int high);
ParameterInfo realOf(std::string id, std::string title, std::string help, std::string fallback, double low,
                     double high);
ParameterInfo textOf(std::string id, std::string title, std::string help, std::string fallback);
ParameterInfo switchOf(std::string id, std::string title, std::string help, bool fallback);

// Parameter names and values are right. `family` is the word for the sentence, `more` names what every member
// takes besides. Throws Error naming the offending one and what there is.
void checkTold(const SchemeInfo& info, const RecipePart& part, const std::string& family,
               const std::string& more = "");

// Schemes, parameter names, values and combinations are right. Throws Error naming the offending one and what
// there is.
Plan planOf(const Recipe& recipe);

} // namespace kurtoscope
