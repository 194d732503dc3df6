// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_normalizer.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/model/tokenizer_unicode.h"

#include <array>
#include <unicode/normalizer2.h>
#include <unicode/uniset.h>

namespace kurtoscope {
namespace {

const icu::Normalizer2* plainForm(UnicodeForm form, UErrorCode& code) {
    switch (form) {
    case UnicodeForm::Nfc:
        return icu::Normalizer2::getNFCInstance(code);
    case UnicodeForm::Nfd:
        return icu::Normalizer2::getNFDInstance(code);
    case UnicodeForm::Nfkc:
        return icu::Normalizer2::getNFKCInstance(code);
    case UnicodeForm::Nfkd:
        return icu::Normalizer2::getNFKDInstance(code);
    }
    return nullptr;
}

// The reference's tables are those of Unicode 11; characters that came later pass unchanged there, so here
// too.
const icu::Normalizer2& normalizerOf(UnicodeForm form) {
    static const auto known = [] {
        UErrorCode code = U_ZERO_ERROR;
        auto* set = new icu::UnicodeSet(u"[:age=11.0:]", code); // lives as long as the program
        set->freeze();
        std::array<const icu::Normalizer2*, 4> forms{};
        for (std::size_t i = 0; i < forms.size(); ++i) {
            const icu::Normalizer2* plain = plainForm(static_cast<UnicodeForm>(i), code);
            if (U_FAILURE(code)) throw Error(u_errorName(code), "ICU normalization data", "Reinstall ICU");
            forms[i] = new icu::FilteredNormalizer2(*plain, *set);
        }
        return forms;
    }();
    return *known[static_cast<std::size_t>(form)];
}

std::string applyForm(UnicodeForm form, std::string text) {
    if (isAscii(text)) return text;
    UErrorCode code = U_ZERO_ERROR;
    const icu::UnicodeString wide = icu::UnicodeString::fromUTF8(text);
    const icu::UnicodeString normalized = normalizerOf(form).normalize(wide, code);
    if (U_FAILURE(code)) throw Error(u_errorName(code), "Unicode normalization", "Use a shorter text");
    text.clear();
    return normalized.toUTF8String(text);
}

std::string lowercase(std::string_view text) {
    std::string lower;
    lower.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = readCodePoint(text, at);
        appendUtf8(lower, toLower(c));
        if (c == 0x130) appendUtf8(lower, 0x307); // İ is the one character whose full mapping is longer
    }
    return lower;
}

std::string cleanAndSplit(std::string_view text, bool clean, bool chinese) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (std::size_t at = 0; at < text.size();) {
        char32_t c = readCodePoint(text, at);
        if (clean) {
            if (c == 0 || c == 0xFFFD || isBertControl(c)) continue;
            if (isSpace(c)) c = ' ';
        }
        const bool apart = chinese && isBertChinese(c);
        if (apart) out += ' ';
        appendUtf8(out, c);
        if (apart) out += ' ';
    }
    return out;
}

std::string dropAccents(std::string text) {
    if (isAscii(text)) return text;
    const std::string decomposed = applyForm(UnicodeForm::Nfd, std::move(text));
    std::string out;
    out.reserve(decomposed.size());
    for (std::size_t at = 0; at < decomposed.size();) {
        const char32_t c = readCodePoint(decomposed, at);
        if (c < 0x80 || !isBertAccent(c)) appendUtf8(out, c);
    }
    return out;
}

} // namespace

void TextNormalizer::addBert(const BertNormalizerOptions& options) {
    steps_.emplace_back([options](std::string text) {
        if (options.cleanText || options.splitChinese)
            text = cleanAndSplit(text, options.cleanText, options.splitChinese);
        if (options.stripAccents) text = dropAccents(std::move(text));
        return options.lowercase ? lowercase(text) : text;
    });
}

void TextNormalizer::addForm(UnicodeForm form) {
    normalizerOf(form);
    steps_.emplace_back([form](std::string text) { return applyForm(form, std::move(text)); });
}

void TextNormalizer::addLowercase() {
    steps_.emplace_back([](const std::string& text) { return lowercase(text); });
}

// Stretch by stretch, so that a stop answers within a long text. No step looks across the place behind an
// ASCII space or line end: nothing composes with either.
std::string TextNormalizer::normalize(std::string_view text, const std::stop_token& stop) const {
    constexpr std::size_t stretch = 1 << 16;
    std::string result;
    while (!text.empty()) {
        throwIfStopped(stop);
        const std::size_t space = text.size() > stretch ? text.find_first_of(" \n", stretch) : text.npos;
        const std::size_t size = space == text.npos ? text.size() : space + 1;
        std::string part(text.substr(0, size));
        for (const auto& step : steps_)
            part = step(std::move(part));
        result += part;
        text.remove_prefix(size);
    }
    return result;
}

} // namespace kurtoscope
