// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/training/artificial_language.h"

#include "core/base/stop.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace kurtoscope {
namespace {

constexpr int classes = 3, numbers = 2;

// What agrees with a noun wears this, by class and number.
constexpr const char* nounEnding[classes][numbers] = {{"a", "ane"}, {"o", "oru"}, {"i", "ithe"}};
constexpr const char* adjectiveEnding[classes][numbers] = {{"al", "alen"}, {"or", "orum"}, {"is", "isth"}};
constexpr const char* verbEnding[classes][numbers] = {{"at", "anta"}, {"ut", "unto"}, {"ek", "ekti"}};
constexpr const char* pronoun[classes][numbers] = {{"sa", "sane"}, {"po", "poru"}, {"li", "lithe"}};
constexpr const char* article[numbers] = {"te", "tes"};
constexpr const char* relative[classes] = {"ka", "ko", "ki"};
constexpr const char *conjunctions[] = {"en", "dum", "sed", "quor"},
                     *prepositions[] = {"in", "sub", "trans", "ab", "per"};

struct Noun {
    int stem, kind, number;
};

class Language {
public:
    explicit Language(std::uint64_t seed) : random_(seed) {
        stems(nouns_, 240, 2), stems(verbs_, 140, 2), stems(adjectives_, 100, 2), stems(names_, 60, 3),
            stems(adverbs_, 40, 1);
        for (std::size_t i = 0; i < nouns_.size(); ++i)
            kinds_.push_back(static_cast<int>(i % classes));
    }

    std::string paragraph() {
        const Noun hero = noun();
        const std::string name = capital(names_[zipf(names_.size())]);
        std::string text = name + " " + adverb() + " " + phrase(hero, 0) + " vid" + verbEnding[0][0] + ". ";
        const int sentences = 3 + below(4);
        for (int i = 0; i < sentences; ++i) {
            // The hero comes back as a pronoun of its class and number, however long ago it was named.
            const bool again = below(3) == 0;
            text += capital(again ? clauseOf(pronoun[hero.kind][hero.number], hero) : clause(noun(), 0));
            if (below(3) == 0) text += std::string(", ") + conjunctions[below(4)] + " " + clause(noun(), 1);
            text += ". ";
        }
        const std::string last = name + " " + adverb() + " " + phrase(hero, 2);
        return text + last + " fin" + verbEnding[0][0] + ".\n";
    }

private:
    int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }

    // Rank r is drawn in proportion to 1/r (Zipf 1949): the cumulated sum is found by bisection.
    std::size_t zipf(std::size_t count) {
        while (harmonic_.size() <= count)
            harmonic_.push_back(harmonic_.back() + 1.0 / double(harmonic_.size()));
        const double at = double(random_() >> 11) * 0x1.0p-53 * harmonic_[count];
        const auto end = harmonic_.begin() + static_cast<std::ptrdiff_t>(count) + 1;
        const auto found = std::upper_bound(harmonic_.begin(), end, at);
        return std::min(count - 1, static_cast<std::size_t>(found - harmonic_.begin()) - 1);
    }

    void stems(std::vector<std::string>& into, int count, int syllables) {
        static constexpr const char* onset[] = {"b", "br", "d", "dr", "f", "g", "gr", "h", "k",  "kl", "l",
                                                "m", "n",  "p", "pl", "r", "s", "st", "t", "tr", "v",  "z"};
        static constexpr const char *core[] = {"a", "e", "i", "o", "u", "ai", "ou"},
                                    *coda[] = {"", "n", "r", "l", "s", "m", "k"};
        while (static_cast<int>(into.size()) < count) {
            std::string word;
            for (int i = 0; i < syllables; ++i)
                word += std::string(onset[below(22)]) + core[below(7)] +
                        (i + 1 < syllables ? coda[below(7)] : "");
            word += onset[below(22)];
            if (used_.insert(word).second) into.push_back(word);
        }
    }

    static std::string capital(std::string word) {
        word[0] = static_cast<char>(word[0] - 'a' + 'A');
        return word;
    }
    Noun noun() {
        const int stem = static_cast<int>(zipf(nouns_.size()));
        return {stem, kinds_[static_cast<std::size_t>(stem)], below(3) == 0 ? 1 : 0};
    }
    std::string adverb() { return adverbs_[zipf(adverbs_.size())] + "e"; }
    std::string word(const Noun& n) const {
        return nouns_[static_cast<std::size_t>(n.stem)] + nounEnding[n.kind][n.number];
    }
    std::string verb(const Noun& subject) {
        return verbs_[zipf(verbs_.size())] + verbEnding[subject.kind][subject.number];
    }

    // article, adjectives, noun, and now and then a relative clause, whose own verb agrees with its noun.
    std::string phrase(const Noun& n, int depth) {
        std::string text = article[n.number];
        for (int i = below(3); i > 0; --i)
            text += " " + adjectives_[zipf(adjectives_.size())] + adjectiveEnding[n.kind][n.number];
        text += " " + word(n);
        if (depth < 2 && below(4) == 0)
            text += std::string(" ") + relative[n.kind] + " " + phrase(noun(), depth + 1) + " " + verb(n);
        return text;
    }
    std::string clauseOf(const std::string& subject, const Noun& agrees) {
        std::string text = subject + " " + verb(agrees);
        if (below(3) > 0) text += " " + phrase(noun(), 1);
        if (below(3) == 0) text += std::string(" ") + prepositions[below(5)] + " " + phrase(noun(), 2);
        if (below(4) == 0) text += " " + adverb();
        return text;
    }
    std::string clause(const Noun& subject, int depth) { return clauseOf(phrase(subject, depth), subject); }

    std::mt19937_64 random_;
    std::vector<std::string> nouns_, verbs_, adjectives_, names_, adverbs_;
    std::vector<int> kinds_; // of each noun
    std::set<std::string> used_;
    std::vector<double> harmonic_{0};
};

} // namespace

std::string artificialText(std::int64_t bytes, std::uint64_t seed, std::stop_token stop) {
    Language language(seed);
    std::string text;
    while (static_cast<std::int64_t>(text.size()) < bytes) {
        throwIfStopped(stop);
        text += language.paragraph();
    }
    return text;
}

} // namespace kurtoscope
