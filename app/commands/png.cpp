// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/commands/png.h"

#include "core/base/error.h"

#include <zlib.h>

namespace kurtoscope::commands {
namespace {

void append32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift);
}

void appendChunk(std::string& out, const std::string& kind, const std::string& data) {
    append32(out, static_cast<std::uint32_t>(data.size()));
    const std::string body = kind + data;
    out += body;
    append32(out, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                                     static_cast<uInt>(body.size()))));
}

std::string deflated(const std::string& raw) {
    uLongf size = ::compressBound(static_cast<uLong>(raw.size()));
    std::string packed(size, '\0');
    if (::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                    reinterpret_cast<const Bytef*>(raw.data()), static_cast<uLong>(raw.size()),
                    Z_BEST_COMPRESSION) != Z_OK)
        throw Error("a picture could not be compressed", "", "Free some memory");
    packed.resize(size);
    return packed;
}

} // namespace

std::string encodePng(const Picture& picture) {
    std::string header;
    append32(header, static_cast<std::uint32_t>(picture.width));
    append32(header, static_cast<std::uint32_t>(picture.height));
    header += {8, 2, 0, 0, 0}; // bits, RGB, deflate, no filter method but 0, not interlaced

    std::string raw;
    for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
        if (i % static_cast<std::size_t>(picture.width) == 0) raw += '\0'; // the row is not filtered
        raw += static_cast<char>(picture.pixels[i].red);
        raw += static_cast<char>(picture.pixels[i].green);
        raw += static_cast<char>(picture.pixels[i].blue);
    }
    std::string png = "\x89PNG\r\n\x1a\n";
    appendChunk(png, "IHDR", header);
    appendChunk(png, "IDAT", deflated(raw));
    appendChunk(png, "IEND", "");
    return png;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            text += i + j <= bytes.size() ? digits[group >> (18 - 6 * j) & 63U] : '=';
    }
    return text;
}

} // namespace kurtoscope::commands
