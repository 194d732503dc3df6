// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/library_operators.h"

#include <ATen/Parallel.h>

namespace kurtoscope {
namespace {
thread_local bool askedHere = false;
}

LibraryOperators::LibraryOperators() : before_(askedHere), threads_(at::get_num_threads()) {
    askedHere = true;
    at::set_num_threads(1); // sums may be cut where the threads are
}

LibraryOperators::~LibraryOperators() {
    askedHere = before_;
    at::set_num_threads(threads_);
}

bool LibraryOperators::asked() {
    return askedHere;
}

} // namespace kurtoscope
