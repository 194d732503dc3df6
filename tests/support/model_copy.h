// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <string>

namespace kurtoscope::test {

// A tiny model of tests/golden copied to where a test can damage it; gone with the object.
class ModelCopy {
public:
    explicit ModelCopy(const QString& name) {
        const QDir from(QStringLiteral(KURTOSCOPE_TESTS_DIR "/golden/") + name);
        for (const QString& file : from.entryList(QDir::Files)) {
            QFile::copy(from.filePath(file), at(file));
            QFile::setPermissions(at(file), QFile::ReadOwner | QFile::WriteOwner);
        }
    }
    QString at(const QString& file) const { return place_.filePath(file); }
    std::string path() const { return place_.path().toStdString(); }
    QByteArray read(const QString& file) const {
        QFile opened(at(file));
        return opened.open(QIODevice::ReadOnly) ? opened.readAll() : QByteArray();
    }
    std::string write(const QString& file, const QByteArray& bytes) const {
        QFile opened(at(file));
        if (opened.open(QIODevice::WriteOnly)) opened.write(bytes);
        return at(file).toStdString();
    }
    void replace(const QString& file, const QByteArray& was, const QByteArray& is) const {
        write(file, read(file).replace(was, is));
    }
    void remove(const QString& file) const { QFile::remove(at(file)); }

private:
    QTemporaryDir place_;
};

} // namespace kurtoscope::test
