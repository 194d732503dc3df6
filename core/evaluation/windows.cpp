// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluation/windows.h"

#include "core/base/error.h"
#include "core/base/stop.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <random>

namespace kurtoscope {
namespace {

constexpr int defaultTextWindows = 8;
constexpr std::size_t rowsPerWindow = 32;
// Rows are padded to whole vectors: a row's sums then run in one order whatever else is in its batch, and its
// figures are the same in any company.
constexpr int paddingStep = 16;

// What the tokenizer's template puts before and after a sequence.
struct Frame {
    std::vector<int> before, after;
};

Frame frameOf(const Tokenizer& tokenizer) {
    const std::vector<int> bare = tokenizer.encode("a", false).ids, full = tokenizer.encode("a", true).ids;
    const auto at = std::search(full.begin(), full.end(), bare.begin(), bare.end());
    if (bare.empty() || at == full.end()) return {};
    return {{full.begin(), at}, {at + static_cast<std::ptrdiff_t>(bare.size()), full.end()}};
}

// `step`: the length is rounded up to a multiple of it, as far as `most` allows.
Batch batchOf(const std::vector<Encoding>& sequences, int window, int padId, int step = 1, int most = 0) {
    Batch batch;
    batch.sequences = static_cast<int>(sequences.size());
    for (const auto& sequence : sequences)
        batch.length = std::max(batch.length, static_cast<int>(sequence.ids.size()));
    batch.length = std::max(batch.length, std::min((batch.length + step - 1) / step * step, most));
    for (const auto& sequence : sequences) {
        std::vector<int> ids = sequence.ids, types = sequence.typeIds;
        batch.lengths.push_back(static_cast<int>(ids.size()));
        ids.resize(static_cast<std::size_t>(batch.length), padId);
        types.resize(static_cast<std::size_t>(batch.length), 0);
        batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
        batch.typeIds.insert(batch.typeIds.end(), types.begin(), types.end());
        batch.windows.push_back(window);
    }
    return batch;
}

std::vector<Window> cutText(const std::string& path, int length, const ModelInfo& model,
                            const Tokenizer& tokenizer, const std::stop_token& stop) {
    const std::vector<int> ids = tokenizer.encode(readText(path), false, 0, stop).ids;
    // An encoder has only seen framed sequences; a decoder's windows are bare stretches of the text.
    const Frame frame = model.causal ? Frame{} : frameOf(tokenizer);
    const std::size_t room =
        static_cast<std::size_t>(length) -
        std::min<std::size_t>(frame.before.size() + frame.after.size(), static_cast<std::size_t>(length) - 1);
    if (ids.size() < 2)
        throw Error("holds only " + std::to_string(ids.size()) + " tokens", path, "Give a longer text");
    std::vector<Window> windows;
    for (std::size_t begin = 0; begin == 0 || begin + room <= ids.size(); begin += room) {
        Encoding sequence{frame.before, {}};
        sequence.ids.insert(sequence.ids.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin),
                            ids.begin() + static_cast<std::ptrdiff_t>(std::min(begin + room, ids.size())));
        sequence.ids.insert(sequence.ids.end(), frame.after.begin(), frame.after.end());
        windows.push_back({batchOf({sequence}, static_cast<int>(windows.size()), tokenizer.padId()), {}});
    }
    return windows;
}

std::vector<Window> cutTable(const Table& table, bool pairs, int length, int longest,
                             const Tokenizer& tokenizer, const std::stop_token& stop) {
    std::vector<Window> windows;
    for (std::size_t begin = 0; begin < table.rows.size(); begin += rowsPerWindow) {
        const std::size_t end = std::min(begin + rowsPerWindow, table.rows.size());
        std::vector<Encoding> sequences;
        Window window;
        for (std::size_t row = begin; row < end; ++row) {
            throwIfStopped(stop);
            sequences.push_back(
                tokenizer.encode(table.rows[row].first, true, static_cast<std::size_t>(length)));
            window.truth.push_back(pairs ? table.rows[row].score : double(table.rows[row].label));
        }
        for (std::size_t row = begin; pairs && row < end; ++row)
            sequences.push_back(
                tokenizer.encode(table.rows[row].second, true, static_cast<std::size_t>(length)));
        // A sentence without a single token still needs a row: the pad token stands in.
        for (auto& sequence : sequences)
            if (sequence.ids.empty()) sequence.ids.push_back(tokenizer.padId());
        window.batch =
            batchOf(sequences, static_cast<int>(windows.size()), tokenizer.padId(), paddingStep, longest);
        windows.push_back(std::move(window));
    }
    return windows;
}

// A file's labels as the model numbers them: whole numbers are class indices, words are looked up among the
// model's own names. Throws Error where they do not belong together.
std::vector<int> labelIndices(const std::vector<std::string>& labels, const ModelInfo& model,
                              const std::string& path) {
    const auto lower = [](std::string text) {
        for (char& c : text)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return text;
    };
    const auto list = [](const std::vector<std::string>& names) {
        std::string text;
        for (const auto& name : names)
            text += (text.empty() ? "" : ", ") + name;
        return text;
    };
    std::vector<int> indices;
    for (std::size_t index = 0; index < labels.size(); ++index) {
        const bool number = labels[index] == std::to_string(index);
        const auto named = std::find_if(model.labels.begin(), model.labels.end(), [&](const auto& name) {
            return lower(name) == lower(labels[index]);
        });
        if (named != model.labels.end())
            indices.push_back(static_cast<int>(named - model.labels.begin()));
        else if (number && index < model.labels.size())
            indices.push_back(static_cast<int>(index));
        else
            throw Error("label \"" + labels[index] + "\" is none of the model's classes", path,
                        "The model knows: " + list(model.labels) + "; the file has: " + list(labels) +
                            ". Use a file for this classifier, or task fidelity, which needs no labels");
    }
    return indices;
}

struct CutFile {
    std::vector<Window> windows;
    DataKind kind = DataKind::text;
    std::vector<std::string> labels;
    std::size_t rows = 0;
};

CutFile cutFile(const std::string& path, const std::string& task, int length, const ModelInfo& model,
                const Tokenizer& tokenizer, const std::stop_token& stop) {
    CutFile file;
    file.kind = detectKind(path).kind;
    if (file.kind == DataKind::text) {
        file.windows = cutText(path, length, model, tokenizer, stop);
    } else {
        Table table = file.kind == DataKind::similarity ? readSimilarity(path) : readClassification(path);
        if (file.kind == DataKind::classification && !model.labels.empty() && task != "fidelity") {
            const std::vector<int> indices = labelIndices(table.labels, model, path);
            for (TableRow& row : table.rows)
                row.label = indices[static_cast<std::size_t>(row.label)];
        }
        file.labels = table.labels;
        file.rows = table.rows.size();
        file.windows =
            cutTable(table, file.kind == DataKind::similarity, length, model.maxLength, tokenizer, stop);
    }
    return file;
}

} // namespace

WindowSet cutWindows(const DataRequest& request, const ModelInfo& model, const Tokenizer& tokenizer,
                     std::uint64_t seed, bool holdOut, const std::stop_token& stop) {
    if (request.length < 2)
        throw Error("windows of " + std::to_string(request.length) + " tokens are too short", "",
                    "Use --length 2 or more");
    const int length = std::min(request.length, model.maxLength);
    CutFile file = cutFile(request.path, request.task, length, model, tokenizer, stop);
    WindowSet set;
    set.kind = file.kind;
    set.labels = std::move(file.labels);
    const bool text = set.kind == DataKind::text;

    const int available = static_cast<int>(file.windows.size());
    int wanted = request.windows > 0 ? request.windows : text ? defaultTextWindows : available;
    int calibration =
        holdOut && request.calibrationPath.empty() ? std::max(1, request.calibrationWindows) : 0;
    if (wanted + calibration > available && calibration > 0) {
        calibration = std::min(calibration, std::max(1, available / 3));
        wanted = std::max(1, std::min(wanted, available - calibration));
        set.info.note = available == 1
                            ? "the file fills one window, which serves calibration and evaluation both"
                            : "the last " + std::to_string(calibration) + " of " + std::to_string(available) +
                                  " windows were held out for calibration";
    }
    wanted = std::min(wanted, available);
    for (int index = 0; index < calibration; ++index)
        set.calibration.push_back(
            file.windows[static_cast<std::size_t>(std::min(wanted + index, available - 1))]);
    if (holdOut && !request.calibrationPath.empty()) {
        CutFile other = cutFile(request.calibrationPath, request.task, length, model, tokenizer, stop);
        const auto split =
            other.windows.begin() + std::min<std::ptrdiff_t>(std::ptrdiff_t(other.windows.size()),
                                                             std::max(1, request.calibrationWindows));
        set.calibration.assign(std::make_move_iterator(other.windows.begin()),
                               std::make_move_iterator(split));
        set.spare.assign(std::make_move_iterator(split), std::make_move_iterator(other.windows.end()));
    } else if (wanted + calibration < available) {
        set.spare.assign(file.windows.begin() + wanted + calibration, file.windows.end());
    }
    file.windows.resize(static_cast<std::size_t>(wanted));
    set.evaluation = std::move(file.windows);
    // One seeded order for all recipes, so that early readings stand on windows from everywhere.
    std::mt19937_64 random(seed);
    for (std::size_t i = set.evaluation.size(); i > 1; --i)
        std::swap(set.evaluation[i - 1], set.evaluation[random() % i]);

    set.info.name = std::filesystem::path(request.path).filename().string();
    set.info.windows = wanted;
    set.info.available = available;
    std::size_t rows = 0;
    for (const auto& window : set.evaluation)
        rows += window.truth.size();
    set.info.summary =
        text
            ? std::to_string(wanted) + " × " + std::to_string(set.evaluation.front().batch.length) + " tokens"
            : std::to_string(rows) + (set.kind == DataKind::similarity ? " sentence pairs" : " sentences");
    return set;
}

} // namespace kurtoscope
