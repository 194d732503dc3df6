// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/data/training_request.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace kurtoscope {
namespace fs = std::filesystem;
namespace {

fs::path requestFile(const std::string& folder) {
    return fs::path(folder) / "request";
}

int openLock(const std::string& folder, int how) {
    return ::open((fs::path(folder) / "lock").c_str(), how | O_CLOEXEC, 0666);
}

void forgetRequest(const std::string& folder) {
    std::error_code code;
    fs::remove(requestFile(folder), code);
}

// Of the open file and not of the process, so that a window sees what its own process trains, too.
struct flock wholeFile() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

} // namespace

void askTraining(const std::string& folder, TrainingRequest request) {
    if (!isTraining(folder))
        throw Error("no process trains into this folder now", folder,
                    "kurtoscope train --resume --out goes on with it");
    if (request != TrainingRequest::stop && trainingRequest(folder) == TrainingRequest::stop)
        throw Error("this run was asked to end, and does so after the step that runs", folder,
                    "kurtoscope train --resume --out goes on with it then");
    std::error_code code;
    if (request == TrainingRequest::goOn)
        fs::remove(requestFile(folder), code);
    else
        writeFileAtomically(requestFile(folder), request == TrainingRequest::pause ? "pause\n" : "stop\n");
    if (code)
        throw Error("what was asked of this run cannot be taken back: " + code.message(),
                    requestFile(folder).string(), "Check who may write into the folder, or remove the file");
}

TrainingRequest trainingRequest(const std::string& folder) {
    char word[8] = "";
    const int file = ::open(requestFile(folder).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return TrainingRequest::goOn;
    const ssize_t size = ::read(file, word, sizeof word);
    ::close(file);
    const std::string_view text(word, static_cast<std::size_t>(std::max<ssize_t>(0, size)));
    return text == "pause\n"  ? TrainingRequest::pause
           : text == "stop\n" ? TrainingRequest::stop
                              : TrainingRequest::goOn;
}

bool isTraining(const std::string& folder) {
    const int file = openLock(folder, O_RDONLY);
    if (file < 0) return false;
    struct flock lock = wholeFile();
    const bool locked = ::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    ::close(file);
    return locked;
}

TrainingMark::TrainingMark(std::string folder)
    : folder_(std::move(folder)), file_(openLock(folder_, O_RDWR | O_CREAT)) {
    struct flock lock = wholeFile();
    // A file system without locks does not keep anybody from training.
    if (file_ >= 0 && ::fcntl(file_, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
        ::close(file_);
        throw Error("another process trains into this folder", folder_,
                    "Wait for it, or end it with kurtoscope train --stop");
    }
    forgetRequest(folder_);
}

TrainingMark::~TrainingMark() {
    forgetRequest(folder_);
    if (file_ >= 0) ::close(file_);
}

} // namespace kurtoscope
