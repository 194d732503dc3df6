// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace kurtoscope {

// While one lives, this thread's passes run by LibTorch's own operators, called in the order in which the
// transformers library calls them, and on one core: not by this program's kernels, which sum in another
// order. What other software answers on the same LibTorch can then be compared to the last bit. Engine
// thread.
class LibraryOperators {
public:
    LibraryOperators();
    ~LibraryOperators();
    LibraryOperators(const LibraryOperators&) = delete;
    LibraryOperators& operator=(const LibraryOperators&) = delete;

    static bool asked();

private:
    bool before_;
    int threads_;
};

} // namespace kurtoscope
