// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"

#include "core/base/error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace kurtoscope {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
    const bool writing = std::string_view(action) == "write";
    throw Error(std::string("cannot ") + action + ": " + std::strerror(errno), path.string(),
                writing ? "Check that the folder exists, is writable and has free space"
                        : "Check the path and that you may read it");
}

} // namespace

void writeFileAtomically(const std::filesystem::path& path, std::string_view bytes) {
    std::string temporary = path.string() + ".XXXXXX";
    const int file = ::mkstemp(temporary.data());
    if (file < 0) fail(path, "write");
    bool ok = ::fchmod(file, 0644) == 0;
    for (std::size_t done = 0; ok && done < bytes.size();) {
        const ssize_t n = ::write(file, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        ok = n > 0;
        if (ok) done += static_cast<std::size_t>(n);
    }
    ok = ok && ::fsync(file) == 0;
    const int reason = errno;
    ok = (::close(file) == 0) && ok;
    if (!ok || ::rename(temporary.c_str(), path.c_str()) != 0) {
        const int why = ok ? errno : reason;
        ::unlink(temporary.c_str());
        errno = why;
        fail(path, "write");
    }
}

std::string readFile(const std::filesystem::path& path) {
    std::error_code code;
    if (std::filesystem::is_directory(path, code)) {
        errno = EISDIR;
        fail(path, "read");
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(path, "read");
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace kurtoscope
