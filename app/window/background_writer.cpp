// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/background_writer.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <QFile>

#include <memory>

namespace kurtoscope {
namespace {

std::optional<BackgroundWriter::Failure> tryToWrite(const QString& path,
                                                    const std::function<std::string()>& bytes) {
    try {
        writeFileAtomically(path.toStdString(), bytes());
        return std::nullopt;
    } catch (const Error& error) {
        return BackgroundWriter::Failure{QString::fromStdString(error.message()),
                                         QString::fromStdString(error.where()),
                                         QString::fromStdString(error.hint())};
    } catch (const std::exception& error) {
        return BackgroundWriter::Failure{QString::fromUtf8(error.what()), path, {}};
    }
}

} // namespace

void BackgroundWriter::write(const QString& path, std::function<std::string()> bytes, Done done) {
    const auto failure = std::make_shared<std::optional<Failure>>();
    worker_.add([path, bytes = std::move(bytes), failure] { *failure = tryToWrite(path, bytes); },
                [done = std::move(done), failure] { done(*failure); });
}

void BackgroundWriter::remove(const QString& path) {
    worker_.add([path] { QFile::remove(path); });
}

} // namespace kurtoscope
