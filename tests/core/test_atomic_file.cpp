// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QTest>

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "tests/support/failure.h"

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace kurtoscope;
namespace fs = std::filesystem;

class AtomicFileTest : public QObject {
    Q_OBJECT

private slots:
    void replacesTheWholeFileAndLeavesNothingBeside() {
        const QTemporaryDir folder;
        const fs::path file = fs::path(folder.path().toStdString()) / "a.json";
        writeFileAtomically(file, "a long first version");
        writeFileAtomically(file, "short");
        QCOMPARE(readFile(file), std::string("short"));
        QCOMPARE(std::distance(fs::directory_iterator(file.parent_path()), fs::directory_iterator()), 1);
    }

    void keepsTheModeOfWhatItReplaces() {
        const QTemporaryDir folder;
        const fs::path file = fs::path(folder.path().toStdString()) / "private";
        writeFileAtomically(file, "1");
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        writeFileAtomically(file, "2");
        QVERIFY(fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    }

    void replacesWhatALinkPointsAt() {
        const QTemporaryDir folder;
        const fs::path file = fs::path(folder.path().toStdString()) / "real",
                       link = file.parent_path() / "link";
        writeFileAtomically(file, "old");
        fs::create_symlink("real", link);
        writeFileAtomically(link, "new");
        QVERIFY(fs::is_symlink(link));
        QCOMPARE(readFile(file), std::string("new"));
    }

    void writesIntoAPipeWithoutReplacingIt() {
        const QTemporaryDir folder;
        const std::string pipe = folder.path().toStdString() + "/pipe";
        QCOMPARE(::mkfifo(pipe.c_str(), 0600), 0);
        std::string got;
        std::thread reader([&] { got = readFile(pipe); });
        writeFileAtomically(pipe, "through");
        reader.join();
        QCOMPARE(got, std::string("through"));
        QVERIFY(fs::is_fifo(pipe));
    }

    void saysWhatStandsInTheWay() {
        const QTemporaryDir folder;
        const std::string missing = folder.path().toStdString() + "/none/a";
        const std::string written = test::failure([&] { writeFileAtomically(missing, "x"); });
        QVERIFY2(written.find("none/a") != std::string::npos &&
                     written.find("cannot write") != std::string::npos,
                 written.c_str());
        const std::string read = test::failure([&] { readFile(missing); });
        QVERIFY2(read.find("cannot read") != std::string::npos &&
                     read.find("free space") == std::string::npos,
                 read.c_str());
    }
};

QTEST_APPLESS_MAIN(AtomicFileTest)
#include "test_atomic_file.moc"
