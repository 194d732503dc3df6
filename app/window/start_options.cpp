// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/start_options.h"

#include "app/window/first_files.h"
#include "app/window_options.h"
#include "core/base/error.h"
#include "core/data/saved_session.h"

#include <QCommandLineParser>

namespace kurtoscope {
namespace {

constexpr int misused = 2;

// A whole number from `low` up, or a sentence about what was given instead.
std::optional<int> number(const QCommandLineParser& parser, const QString& name, int low,
                          QString& complaint) {
    bool isNumber = false;
    const int value = parser.value(name).toInt(&isNumber);
    if (isNumber && value >= low) return value;
    complaint = QString("--%1 wants a whole number from %2 up, got \"%3\"")
                    .arg(name)
                    .arg(low)
                    .arg(parser.value(name));
    return std::nullopt;
}

std::optional<QSize> sizeOf(const QString& text) {
    const QStringList parts = text.toLower().split('x');
    if (parts.size() != 2) return std::nullopt;
    const QSize size(parts[0].toInt(), parts[1].toInt());
    return size.width() >= 320 && size.height() >= 240 && size.width() <= 16384 && size.height() <= 16384
               ? std::optional(size)
               : std::nullopt;
}

void declare(QCommandLineParser& parser) {
    parser.setApplicationDescription(
        "Shows where a transformer's activation outliers live and what keeping some "
        "channels in high precision is worth.");
    parser.addPositionalArgument(
        "MODEL",
        "a Hugging Face folder, a GGUF file, a name that `kurtoscope models` lists or a saved session "
        "(FILE.kurtoscope.json); "
        "without one, the first at hand",
        "[MODEL]");
    for (const auto& [name, value, byDefault, help] : windowOptions) {
        const QString usual = *byDefault ? QString(" [default: %1]").arg(byDefault) : QString();
        parser.addOption(QCommandLineOption(name, QString::fromUtf8(help) + usual, value, byDefault));
    }
    parser.addHelpOption();
}

} // namespace

ParsedOptions parseStartOptions(const QStringList& arguments) {
    QCommandLineParser parser;
    declare(parser);
    const auto misuse = [](const QString& sentence) {
        return ParsedOptions{std::nullopt, "kurtoscope: " + sentence + "\nSee kurtoscope --help.", misused};
    };
    if (!parser.parse(arguments)) return misuse(parser.errorText());
    if (parser.isSet("help")) // Qt knows the program's name from an application, which does not stand yet
        return {std::nullopt, parser.helpText().replace("<executable_name>", "kurtoscope"), 0};
    if (parser.positionalArguments().size() > 1)
        return misuse("one MODEL at most, got " + parser.positionalArguments().join(", ") +
                      " (a command comes first, spelt as --help lists it)");

    StartOptions start;
    start.model = parser.positionalArguments().value(0);
    start.data.path = parser.value("data").toStdString();
    QString complaint;
    const auto windows = number(parser, "windows", 0, complaint),
               length = number(parser, "length", 2, complaint);
    const auto threads = number(parser, "threads", 0, complaint), seed = number(parser, "seed", 0, complaint);
    if (parser.isSet("state-memory"))
        start.engine.stateMegabytes = number(parser, "state-memory", 0, complaint).value_or(0);
    if (!complaint.isEmpty()) return misuse(complaint);
    start.data.windows = *windows;
    start.data.length = *length;
    start.engine.threads = *threads;
    start.engine.seed = static_cast<std::uint64_t>(*seed);

    const qsizetype device = QStringList{"auto", "cpu", "cuda"}.indexOf(parser.value("device"));
    if (device < 0) return misuse("--device is auto, cpu or cuda, got \"" + parser.value("device") + '"');
    start.engine.device = static_cast<DeviceKind>(device);

    start.theme = parser.value("theme");
    if (!start.theme.isEmpty() && !QStringList{"light", "dark", "system"}.contains(start.theme))
        return misuse("--theme is light, dark or system, got \"" + start.theme + '"');
    if (looksLikeSession(start.model) && (parser.isSet("recipe") || !start.data.path.empty()))
        return misuse("a session holds its own columns and data: leave out --recipe and --data");
    if (parser.values("recipe").size() >= static_cast<qsizetype>(mostColumns))
        return misuse(QString("at most %1 recipes stand beside FP32, got %2")
                          .arg(mostColumns - 1)
                          .arg(parser.values("recipe").size()));
    if (parser.isSet("size")) {
        const auto size = sizeOf(parser.value("size"));
        if (!size)
            return misuse("--size is WIDTHxHEIGHT in pixels, like 1680x1040, got \"" + parser.value("size") +
                          '"');
        start.size = *size;
    }
    if (parser.isSet("screenshot")) {
        start.screenshot = parser.value("screenshot");
        if (start.screenshot.isEmpty()) return misuse("--screenshot wants a file name");
    }
    if (parser.isSet("recipe")) {
        std::vector<std::string> recipes;
        for (const auto& text : parser.values("recipe"))
            recipes.push_back(text.toStdString());
        try {
            start.columns = choiceOf(recipes);
        } catch (const Error& error) {
            return misuse(error.what());
        }
    }
    return {start, {}, 0};
}

} // namespace kurtoscope
