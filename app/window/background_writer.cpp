// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/background_writer.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <QCoreApplication>
#include <QFile>

namespace kurtoscope {

BackgroundWriter::BackgroundWriter(QObject* parent) : QObject(parent) {
    pool_.setMaxThreadCount(1); // an older state never ends up over a newer one
}

BackgroundWriter::~BackgroundWriter() {
    pool_.waitForDone();
}

void BackgroundWriter::write(const QString& path, std::function<std::string()> bytes, Done done) {
    pool_.start([this, path, bytes = std::move(bytes), done = std::move(done)] {
        std::optional<Failure> failure;
        try {
            writeFileAtomically(path.toStdString(), bytes());
        } catch (const Error& error) {
            failure = Failure{QString::fromStdString(error.message()), QString::fromStdString(error.where()),
                              QString::fromStdString(error.hint())};
        } catch (const std::exception& error) {
            failure = Failure{QString::fromUtf8(error.what()), path, {}};
        }
        QMetaObject::invokeMethod(
            this, [done, failure] { done(failure); }, Qt::QueuedConnection);
    });
}

void BackgroundWriter::remove(const QString& path) {
    pool_.start([path] { QFile::remove(path); });
}

void BackgroundWriter::finish() {
    pool_.waitForDone();
    QCoreApplication::sendPostedEvents(this, QEvent::MetaCall);
}

} // namespace kurtoscope
