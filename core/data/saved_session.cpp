// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/saved_session.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/data/reading_json.h"
#include "core/data/recipe_json.h"

#include <filesystem>
#include <limits>

namespace kurtoscope {
namespace {

using nlohmann::json;

constexpr int schemaVersion = 1;
constexpr int largestInt = std::numeric_limits<int>::max();
constexpr std::int64_t largestWhole = std::int64_t{1} << 53;
constexpr std::uintmax_t largestFile = std::uintmax_t{256} << 20;
constexpr const char* sessionHint =
    "The file was changed or comes from another version: take an older copy, or begin a new session";

// One line for each; what is no UTF-8 gets replacement signs rather than an exception.
std::string line(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string indented(const std::string& text, const std::string& by) {
    std::string out;
    for (const char c : text) {
        out += c;
        if (c == '\n') out += by;
    }
    return out;
}

std::string columnText(const SavedColumn& column) {
    std::string recipe = recipeToJson(column.recipe);
    recipe.pop_back(); // its last line's end
    std::string text =
        "    {\n      \"name\": " + line(column.name) + ",\n      \"recipe\": " + indented(recipe, "      ");
    if (column.reading) text += ",\n      \"reading\": " + line(readingToJson(*column.reading));
    return text + "\n    }";
}

json dataJson(const SavedSession& session) {
    const DataRequest& data = session.data;
    return {{"path", data.path},
            {"task", data.task},
            {"windows", data.windows},
            {"length", data.length},
            {"calibration_windows", data.calibrationWindows},
            {"calibration_path", data.calibrationPath},
            {"name", session.dataName},
            {"summary", session.dataSummary},
            {"task_name", session.metricTask}};
}

void readData(StrictObject object, SavedSession& session) {
    DataRequest& data = session.data;
    data.path = object.text("path");
    data.task = object.text("task", 100);
    data.windows = static_cast<int>(object.integer("windows", 0, largestInt));
    data.length = static_cast<int>(object.integer("length", 2, largestInt));
    data.calibrationWindows = static_cast<int>(object.integer("calibration_windows", 1, largestInt));
    data.calibrationPath = object.text("calibration_path");
    session.dataName = object.text("name");
    session.dataSummary = object.text("summary");
    session.metricTask = object.text("task_name", 100);
    object.finish();
}

Site siteOf(StrictObject& object) {
    const std::string name = object.text("site", 100);
    try {
        return Site::fromName(name);
    } catch (const Error& error) {
        object.fail(error.message(), "site");
    }
}

void readLooking(StrictObject object, SavedSession& session) {
    session.site = siteOf(object);
    session.channel = static_cast<int>(object.integer("channel", -1, largestInt));
    session.token = static_cast<int>(object.integer("token", -1, largestInt));
    session.skipFirstToken = object.flag("skip_first_token");
    session.typed = object.text("text", 10'000'000);
    session.criterion = object.text("criterion", 100);
    object.finish();
}

void readResults(StrictObject object, Provenance& results) {
    results.modelPrint = object.text("model_print", 200);
    results.dataPrint = object.text("data_print", 200);
    results.version = object.text("version", 200);
    results.device = object.text("device", 1000);
    results.seed = static_cast<std::uint64_t>(object.integer("seed", 0, largestWhole));
    results.taken = object.text("taken", 200);
    object.finish();
}

void readColumns(const json& list, const std::string& where, SavedSession& session) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string path = "columns[" + std::to_string(i) + "]";
        StrictObject object(list[i], where, path, sessionHint);
        SavedColumn column;
        column.name = object.text("name", 1000);
        column.recipe = recipeFromJson(line(object.need("recipe")), where + ", " + path + ".recipe");
        if (object.has("reading")) column.reading = readingFromJson(object.object("reading"));
        object.finish();
        session.columns.push_back(std::move(column));
    }
}

} // namespace

std::string sessionToJson(const SavedSession& session) {
    std::string columns;
    for (const auto& column : session.columns)
        columns += (columns.empty() ? "" : ",\n") + columnText(column);
    const json model{{"path", session.modelPath}, {"name", session.modelName}, {"bytes", session.modelBytes}};
    const json looking{{"site", session.site.name()}, {"channel", session.channel},
                       {"token", session.token},      {"skip_first_token", session.skipFirstToken},
                       {"text", session.typed},       {"criterion", session.criterion}};
    const Provenance& from = session.results;
    const json results{{"model_print", from.modelPrint},
                       {"data_print", from.dataPrint},
                       {"version", from.version},
                       {"device", from.device},
                       {"seed", from.seed},
                       {"taken", from.taken}};
    return "{\n  \"schema\": " + std::to_string(schemaVersion) + ",\n  \"model\": " + line(model) +
           ",\n  \"data\": " + line(dataJson(session)) + ",\n  \"columns\": [\n" + columns +
           "\n  ],\n  \"active\": " + std::to_string(session.active) +
           ",\n  \"reference\": " + std::to_string(session.reference) + ",\n  \"looking\": " + line(looking) +
           ",\n  \"results\": " + line(results) + ",\n  \"layout\": " + line(session.layout) +
           (session.unsavedOf.empty() ? "" : ",\n  \"unsaved_of\": " + line(session.unsavedOf)) + "\n}\n";
}

SavedSession sessionFromJson(std::string_view text, const std::string& where) {
    const json value = parseStrictObject(text, where, sessionHint);
    StrictObject object(value, where, "", sessionHint);
    SavedSession session;
    if (const json& schema = object.need("schema"); schema != schemaVersion)
        object.fail("schema 1 was expected, got " + line(schema), "schema");

    StrictObject model = object.object("model");
    session.modelPath = model.text("path");
    session.modelName = model.text("name", 1000);
    session.modelBytes = model.integer("bytes", 0, largestWhole);
    model.finish();
    readData(object.object("data"), session);

    object.need("columns");
    const json& columns = *object.list("columns");
    if (columns.empty() || columns.size() > mostColumns)
        object.fail("1 to " + std::to_string(mostColumns) + " columns were expected, got " +
                        std::to_string(columns.size()),
                    "columns");
    readColumns(columns, where, session);
    if (session.columns.front().recipe != Recipe{})
        object.fail("FP32 was expected as the first column, got " + session.columns.front().recipe.text(),
                    "columns");
    const auto last = static_cast<std::int64_t>(session.columns.size()) - 1;
    session.active = static_cast<int>(object.integer("active", 0, last));
    session.reference = static_cast<int>(object.integer("reference", 0, last));

    readLooking(object.object("looking"), session);
    readResults(object.object("results"), session.results);
    session.layout = object.text("layout", 1'000'000);
    if (object.has("unsaved_of")) session.unsavedOf = object.text("unsaved_of");
    object.finish();
    return session;
}

SavedSession readSession(const std::string& path) {
    std::error_code code;
    const auto bytes = std::filesystem::file_size(path, code);
    if (!code && bytes > largestFile)
        throw Error("at most 256 MiB were expected, got " + std::to_string(bytes) + " bytes", path,
                    "This is no session: name a file that ends in .kurtoscope.json");
    return sessionFromJson(readFile(path), path);
}

} // namespace kurtoscope
