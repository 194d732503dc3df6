// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/pretokenizer.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/model/tokenizer_unicode.h"

#include <memory>
#include <unicode/regex.h>
#include <unicode/utext.h>

namespace kurtoscope {
namespace {

struct Span {
    std::size_t begin, end;
    bool match;
};

// Matches and what lies between them become pieces; the flags say which are matches (as `invert` sees it).
void emit(std::string_view text, const std::vector<Span>& spans, SplitBehavior behavior, TextPieces& out) {
    std::vector<Span> kept;
    bool previous = false; // was the neighbour already looked at a match
    auto glue = [&](const Span& span, bool forward) {
        if (kept.empty()) return false;
        (forward ? kept.back().end : kept.back().begin) = forward ? span.end : span.begin;
        return true;
    };
    switch (behavior) {
    case SplitBehavior::Removed:
        for (const Span& s : spans)
            if (!s.match) kept.push_back(s);
        break;
    case SplitBehavior::Isolated:
        kept = spans;
        break;
    case SplitBehavior::Contiguous:
        for (const Span& s : spans) {
            if (s.match != previous || !glue(s, true)) kept.push_back(s);
            previous = s.match;
        }
        break;
    case SplitBehavior::MergedWithPrevious:
        for (const Span& s : spans) {
            if (!s.match || previous || !glue(s, true)) kept.push_back(s);
            previous = s.match;
        }
        break;
    case SplitBehavior::MergedWithNext:
        for (auto s = spans.rbegin(); s != spans.rend(); ++s) {
            if (!s->match || previous || !glue(*s, false)) kept.push_back(*s);
            previous = s->match;
        }
        kept = {kept.rbegin(), kept.rend()};
        break;
    }
    for (const Span& s : kept)
        if (s.end > s.begin) out.views.push_back(text.substr(s.begin, s.end - s.begin));
}

// Collects matches in order and fills the gaps.
class Spans {
public:
    explicit Spans(bool invert) : invert_(invert) {}
    void match(std::size_t begin, std::size_t end) {
        if (begin > done_) spans_.push_back({done_, begin, invert_});
        spans_.push_back({begin, end, !invert_});
        done_ = end;
    }
    const std::vector<Span>& finish(std::size_t size) {
        if (size > done_) spans_.push_back({done_, size, invert_});
        return spans_;
    }

private:
    std::vector<Span> spans_;
    std::size_t done_ = 0;
    bool invert_;
};

// The reference's \s and \S mean Unicode White_Space; ICU's leave out U+000B and U+0085.
std::string withUnicodeSpace(const std::string& expression) {
    std::string out;
    for (std::size_t i = 0; i < expression.size(); ++i) {
        if (expression[i] != '\\' || i + 1 == expression.size()) {
            out += expression[i];
            continue;
        }
        const char escaped = expression[++i];
        if (escaped == 's')
            out += "\\p{White_Space}";
        else if (escaped == 'S')
            out += "\\P{White_Space}";
        else
            (out += '\\') += escaped;
    }
    return out;
}

void check(UErrorCode code, const std::string& where) {
    if (U_SUCCESS(code)) return;
    throw Error(std::string("the regular expression failed: ") + u_errorName(code), where,
                "Supported: expressions that ICU understands");
}

void splitByRegex(const icu::RegexPattern& pattern, std::string_view text, SplitBehavior behavior,
                  bool invert, const std::string& where, TextPieces& out, const std::stop_token& stop) {
    UErrorCode code = U_ZERO_ERROR;
    std::unique_ptr<UText, decltype(&utext_close)> bytes(
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &code), &utext_close);
    check(code, where);
    const std::unique_ptr<icu::RegexMatcher> matcher(pattern.matcher(code));
    check(code, where);
    matcher->reset(bytes.get());
    matcher->setTimeLimit(5000,
                          code); // steps of about a millisecond, for one match: some expressions never end
    Spans spans(invert);
    while (matcher->find(code) != 0 && U_SUCCESS(code)) {
        throwIfStopped(stop);
        const auto begin = static_cast<std::size_t>(matcher->start64(code));
        spans.match(begin, static_cast<std::size_t>(matcher->end64(code)));
    }
    check(code, where);
    emit(text, spans.finish(text.size()), behavior, out);
}

} // namespace

void Pretokenizer::addBert() {
    steps_.emplace_back([](std::string_view text, TextPieces& out, const std::stop_token& stop) {
        std::size_t begin = 0;
        for (std::size_t at = 0; at < text.size();) {
            throwIfStopped(stop);
            const std::size_t here = at;
            const char32_t c = readCodePoint(text, at);
            const bool mark = isBertPunctuation(c);
            if (!mark && !isSpace(c)) continue;
            if (here > begin) out.views.push_back(text.substr(begin, here - begin));
            if (mark) out.views.push_back(text.substr(here, at - here));
            begin = at;
        }
        if (begin < text.size()) out.views.push_back(text.substr(begin));
    });
}

void Pretokenizer::addDigits(bool individual) {
    steps_.emplace_back([individual](std::string_view text, TextPieces& out, const std::stop_token& stop) {
        std::size_t begin = 0;
        bool inNumber = false;
        for (std::size_t at = 0; at < text.size();) {
            throwIfStopped(stop);
            const std::size_t here = at;
            const bool number = isNumeric(readCodePoint(text, at));
            if (here > begin && (number != inNumber || (number && individual))) {
                out.views.push_back(text.substr(begin, here - begin));
                begin = here;
            }
            inNumber = number;
        }
        if (begin < text.size()) out.views.push_back(text.substr(begin));
    });
}

void Pretokenizer::addPattern(BytePattern pattern) {
    steps_.emplace_back([pattern](std::string_view text, TextPieces& out, const std::stop_token& stop) {
        for (std::size_t at = 0; at < text.size();) {
            throwIfStopped(stop);
            const std::size_t end = matchBytePattern(pattern, text, at);
            out.views.push_back(text.substr(at, end - at));
            at = end;
        }
    });
}

void Pretokenizer::addPrefixSpace() {
    steps_.emplace_back([](std::string_view text, TextPieces& out, const std::stop_token&) {
        if (text.starts_with(' '))
            out.views.push_back(text);
        else
            out.views.push_back(out.owned.emplace_back(" " + std::string(text)));
    });
}

void Pretokenizer::addRegex(const std::string& expression, SplitBehavior behavior, bool invert,
                            const std::string& where) {
    UErrorCode code = U_ZERO_ERROR;
    UParseError position;
    std::shared_ptr<const icu::RegexPattern> pattern(icu::RegexPattern::compile(
        icu::UnicodeString::fromUTF8(withUnicodeSpace(expression)), position, code));
    check(code, where);
    steps_.emplace_back([pattern, behavior, invert, where](std::string_view text, TextPieces& out,
                                                           const std::stop_token& stop) {
        splitByRegex(*pattern, text, behavior, invert, where, out, stop);
    });
}

void Pretokenizer::addLiteral(const std::string& separator, SplitBehavior behavior, bool invert) {
    steps_.emplace_back(
        [separator, behavior, invert](std::string_view text, TextPieces& out, const std::stop_token& stop) {
            Spans spans(invert);
            for (std::size_t at = 0; !separator.empty() && (at = text.find(separator, at)) != text.npos;) {
                throwIfStopped(stop);
                spans.match(at, at + separator.size());
                at += separator.size();
            }
            emit(text, spans.finish(text.size()), behavior, out);
        });
}

TextPieces Pretokenizer::split(std::string_view text, const std::stop_token& stop) const {
    TextPieces pieces;
    if (!text.empty()) pieces.views.push_back(text);
    for (const Step& step : steps_) {
        const std::vector<std::string_view> before = std::move(pieces.views);
        pieces.views = {};
        pieces.views.reserve(before.size() * 2);
        for (const std::string_view piece : before)
            step(piece, pieces, stop);
    }
    return pieces;
}

} // namespace kurtoscope
