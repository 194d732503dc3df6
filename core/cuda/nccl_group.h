// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace c10d {
class Backend;
class Store;
} // namespace c10d

// Makes LibTorch's nccl group of all processes that call this and hands over one reference to it in `*made`.
// Null on success, else the reason. `store` is only shared. The entry is there where nccl.h was found.
extern "C" const char* kurtoscopeNcclGroup(c10d::Store* store, int rank, int size, c10d::Backend** made);
