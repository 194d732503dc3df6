// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/pretokenizer.h"
#include "core/model/tokenizer_unicode.h"

namespace kurtoscope {
namespace {

using Class = CharacterClass;

// A walk over valid UTF-8 that can look at the next character without taking it.
class Cursor {
public:
    Cursor(std::string_view text, std::size_t at) : text_(text), at_(at) { look(); }
    bool done() const { return at_ >= text_.size(); }
    char32_t character() const { return character_; }
    bool is(Class c) const { return !done() && class_ == c; }
    bool isLineEnd() const { return !done() && (character_ == '\r' || character_ == '\n'); }
    std::size_t at() const { return at_; }
    void next() {
        at_ = after_;
        look();
    }
    void skip(Class c) {
        while (is(c))
            next();
    }

private:
    void look() {
        after_ = at_;
        if (done()) return;
        character_ = readCodePoint(text_, after_);
        class_ = characterClass(character_);
    }
    std::string_view text_;
    std::size_t at_, after_ = 0;
    char32_t character_ = 0;
    Class class_ = Class::Other;
};

// 's 't 're 've 'm 'll 'd: how many bytes it takes, 0 when there is none.
std::size_t contraction(std::string_view rest, bool anyCase) {
    if (rest.size() < 2 || rest[0] != '\'') return 0;
    auto fold = [anyCase](char c) { return anyCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const char a = fold(rest[1]), b = rest.size() > 2 ? fold(rest[2]) : '\0';
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    if (anyCase && rest.substr(1).starts_with("\xC5\xBF")) return 3; // the long s folds to s
    return 0;
}

// White space: all of it at the end of the text, else all but the last, which belongs to the word that
// follows.
std::size_t spaceRun(std::string_view text, std::size_t start) {
    Cursor c(text, start);
    std::size_t last = start;
    while (c.is(Class::Space)) {
        last = c.at();
        c.next();
    }
    return c.done() || last == start ? c.at() : last;
}

std::size_t matchGpt2(std::string_view text, std::size_t start) {
    if (const std::size_t size = contraction(text.substr(start), false)) return start + size;
    Cursor c(text, start);
    if (c.character() == ' ') c.next();
    if (c.done() || c.is(Class::Space)) return spaceRun(text, start);
    if (c.is(Class::Letter))
        c.skip(Class::Letter);
    else if (c.is(Class::Number))
        c.skip(Class::Number);
    else
        c.skip(Class::Other);
    return c.at();
}

std::size_t matchLlama3(std::string_view text, std::size_t start, int digits) {
    if (const std::size_t size = contraction(text.substr(start), true)) return start + size;
    Cursor c(text, start);
    Cursor word = c;
    if (!c.isLineEnd() && !c.is(Class::Letter) && !c.is(Class::Number)) word.next();
    if (word.is(Class::Letter)) {
        word.skip(Class::Letter);
        return word.at();
    }
    if (c.is(Class::Number)) {
        for (int i = 0; i < digits && c.is(Class::Number); ++i)
            c.next();
        return c.at();
    }
    if (c.character() == ' ') c.next();
    if (c.is(Class::Other)) {
        c.skip(Class::Other);
        while (c.isLineEnd())
            c.next();
        return c.at();
    }
    std::size_t lineEnd = start; // behind the last line end of the white space, if there is one
    for (Cursor run(text, start); run.is(Class::Space);) {
        const bool ends = run.isLineEnd();
        run.next();
        if (ends) lineEnd = run.at();
    }
    return lineEnd > start ? lineEnd : spaceRun(text, start);
}

} // namespace

const char* bytePatternText(BytePattern pattern) {
    switch (pattern) {
    case BytePattern::Gpt2:
        return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
    case BytePattern::Llama3:
        return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
               R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
    case BytePattern::Qwen2:
        return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
               R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
    }
    return "";
}

std::size_t matchBytePattern(BytePattern pattern, std::string_view text, std::size_t start) {
    switch (pattern) {
    case BytePattern::Gpt2:
        return matchGpt2(text, start);
    case BytePattern::Llama3:
        return matchLlama3(text, start, 3);
    case BytePattern::Qwen2:
        return matchLlama3(text, start, 1);
    }
    return text.size();
}

} // namespace kurtoscope
