// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope::commands {

struct Colour {
    std::uint8_t red = 0, green = 0, blue = 0;
};

// An RGB picture of 8 bits per part, rows from the top.
struct Picture {
    int width = 0, height = 0;
    std::vector<Colour> pixels;

    Picture(int columns, int rows)
        : width(columns),
          height(rows),
          pixels(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}
    void set(int x, int y, Colour colour) { // outside: nothing
        if (x >= 0 && y >= 0 && x < width && y < height)
            pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                   static_cast<std::size_t>(x)] = colour;
    }
};

std::string encodePng(const Picture& picture); // https://www.w3.org/TR/png-3/
std::string base64(std::string_view bytes);

} // namespace kurtoscope::commands
