// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <unicode/utf8.h>

namespace kurtoscope {

// Every ill-formed sequence (longest prefix that could have been a character) becomes one U+FFFD.
std::string repairUtf8(std::string_view bytes);

// The code point that starts at `at`, which moves behind it. The text must be valid UTF-8 and `at` inside it.
inline char32_t readCodePoint(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return ++at, lead;
    char32_t c = 0;
    U8_NEXT_UNSAFE(text.data(), at, c);
    return c;
}
void appendUtf8(std::string& text, char32_t c);
std::size_t countCodePoints(std::string_view text);
bool isAscii(std::string_view text);

// How byte-level patterns sort characters: \p{L}, \p{N}, \s and the rest.
enum class CharacterClass : unsigned char { Letter, Number, Space, Other };
CharacterClass characterClass(char32_t c);

bool isSpace(char32_t c);         // Unicode White_Space
bool isNumeric(char32_t c);       // general category N*
bool isWordCharacter(char32_t c); // \w: what "single_word" tokens must not touch
char32_t toLower(char32_t c);     // simple mapping, one to one

// BERT's classes as the reference computes them: its Unicode tables are those of version 8.
bool isBertControl(char32_t c);
bool isBertPunctuation(char32_t c);
bool isBertAccent(char32_t c);  // non-spacing mark
bool isBertChinese(char32_t c); // gets spaces around it

} // namespace kurtoscope
