// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tokenizer_unicode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <unicode/uchar.h>

namespace kurtoscope {
namespace {

struct Range {
    char32_t first, last;
};

// Letters and numbers of Unicode 15.1 to 16, which the reference knows and ICU 72 (Debian 12) does not yet.
constexpr Range newLetters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3}, {0x10D4A, 0x10D65},
    {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E},
    {0x11390, 0x113B5}, {0x113B7, 0x113B7}, {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0},
    {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C}, {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED},
    {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D},
};
constexpr Range newNumbers[] = {
    {0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x16130, 0x16139},
    {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9}, {0x1E5F1, 0x1E5FA},
};

template <std::size_t N>
bool contains(const Range (&ranges)[N], char32_t c) {
    const auto* after = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                         [](char32_t x, Range r) { return x < r.first; });
    return after != std::begin(ranges) && c <= std::prev(after)->last;
}

std::uint32_t categoryMask(char32_t c) {
    return U_GET_GC_MASK(static_cast<UChar32>(c));
}

CharacterClass classify(char32_t c) {
    const std::uint32_t mask = categoryMask(c);
    if ((mask & U_GC_L_MASK) != 0) return CharacterClass::Letter;
    if ((mask & U_GC_N_MASK) != 0) return CharacterClass::Number;
    if (isSpace(c)) return CharacterClass::Space;
    if (c >= newLetters[0].first && (mask & U_GC_CN_MASK) != 0) {
        if (contains(newLetters, c)) return CharacterClass::Letter;
        if (contains(newNumbers, c)) return CharacterClass::Number;
    }
    return CharacterClass::Other;
}

bool inUnicode8(char32_t c) {
    UVersionInfo age;
    u_charAge(static_cast<UChar32>(c), age);
    return age[0] >= 1 && (age[0] < 8 || (age[0] == 8 && age[1] == 0));
}

} // namespace

std::string repairUtf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    const auto size = static_cast<std::int64_t>(bytes.size());
    for (std::int64_t at = 0; at < size;) {
        const std::int64_t start = at;
        UChar32 c = 0;
        U8_NEXT(bytes.data(), at, size, c);
        if (c < 0)
            text += "\xEF\xBF\xBD";
        else
            text.append(bytes.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(at - start)));
    }
    return text;
}

void appendUtf8(std::string& text, char32_t c) {
    char bytes[4];
    int size = 0;
    U8_APPEND_UNSAFE(bytes, size, c);
    text.append(bytes, static_cast<std::size_t>(size));
}

std::size_t countCodePoints(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char b) { return !U8_IS_TRAIL(b); }));
}

bool isAscii(std::string_view text) {
    return std::ranges::all_of(text, [](char b) { return static_cast<unsigned char>(b) < 0x80; });
}

CharacterClass characterClass(char32_t c) {
    static const auto ascii = [] {
        std::array<CharacterClass, 128> table{};
        for (char32_t i = 0; i < 128; ++i)
            table[i] = classify(i);
        return table;
    }();
    return c < 128 ? ascii[c] : classify(c);
}

bool isSpace(char32_t c) {
    return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

bool isNumeric(char32_t c) {
    return characterClass(c) == CharacterClass::Number;
}

bool isWordCharacter(char32_t c) {
    return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_ALPHABETIC) != 0 || c == 0x200C ||
           c == 0x200D || (categoryMask(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

char32_t toLower(char32_t c) {
    return static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
}

bool isBertControl(char32_t c) {
    if (c == '\t' || c == '\n' || c == '\r') return false;
    return (categoryMask(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0 && inUnicode8(c);
}

bool isBertPunctuation(char32_t c) {
    if (c < 0x80) return c > ' ' && c < 0x7F && u_isalnum(static_cast<UChar32>(c)) == 0;
    if (c == 0x166D || c == 0x111C9) return true; // became a symbol and a mark after version 8
    return (categoryMask(c) & U_GC_P_MASK) != 0 && inUnicode8(c);
}

bool isBertAccent(char32_t c) {
    if (c == 0x1734) return true; // a spacing mark since version 14
    if (c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) return false; // marks only after version 8
    return (categoryMask(c) & U_GC_MN_MASK) != 0 && inUnicode8(c);
}

bool isBertChinese(char32_t c) {
    static constexpr Range ideographs[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                           {0x20000, 0x2A6DF}, {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF},
                                           {0x2F800, 0x2FA1F}};
    return c >= ideographs[0].first && contains(ideographs, c);
}

} // namespace kurtoscope
