// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <string>

namespace kurtoscope {

// Whether this build has gloo: gloo_group.cpp where its headers were found, else no_gloo.cpp.
bool hasGloo();

// LibTorch's gloo group of all processes that call this, connected. `address`: what it listens at, empty for
// what GLOO_SOCKET_IFNAME or the machine's name says. Throws std::exception after `patience`.
c10::intrusive_ptr<c10d::Backend> glooGroup(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                            const std::string& address, std::chrono::milliseconds patience);

} // namespace kurtoscope
