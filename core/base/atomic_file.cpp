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

// A terminal, a pipe or a device cannot be replaced by a rename: the bytes go straight into it.
void writeInPlace(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.flush();
    if (!out) fail(path, "write");
}

} // namespace

void writeFileAtomically(const std::filesystem::path& asked, std::string_view bytes) {
    std::error_code code;
    // What a link points at is replaced, not the link.
    const std::filesystem::path resolved = std::filesystem::weakly_canonical(asked, code);
    const std::filesystem::path path = code ? asked : resolved;
    struct ::stat known {};
    const bool exists = ::stat(path.c_str(), &known) == 0;
    if (exists && !S_ISREG(known.st_mode)) return writeInPlace(path, bytes);
    std::string temporary = path.string() + ".XXXXXX";
    const int file = ::mkstemp(temporary.data());
    if (file < 0) fail(path, "write");
    const mode_t mask = ::umask(0);
    ::umask(mask);
    bool ok = ::fchmod(file, exists ? known.st_mode & 07777 : 0666 & ~mask) == 0;
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
