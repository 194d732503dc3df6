// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/emergence.h"

#include <filesystem>
#include <optional>
#include <string>

namespace kurtoscope {

// What was seen at checkpoints, each in a file that is named by all it follows from, so that nothing has to
// be compared or thrown away when a run changes. It spares looking again and never stands in the way: what
// cannot be read is looked at anew, what cannot be written is not kept. Holds the newest `most` only.
class SeenCheckpoints {
public:
    static constexpr std::size_t most = 300;

    explicit SeenCheckpoints(std::filesystem::path folder)
        : folder_(std::move(folder)) {} // "": keeps nothing

    // The file for a checkpoint, looked at over so many windows of a text; "" where something cannot be read.
    static std::string name(const std::filesystem::path& checkpoint, const std::filesystem::path& text,
                            int windows, int length, const std::string& device);
    std::optional<EmergenceStep> find(const std::string& name) const; // but for its step
    void keep(const std::string& name, const EmergenceStep& seen) const;

private:
    void letOldOnesGo() const;

    std::filesystem::path folder_;
};

} // namespace kurtoscope
