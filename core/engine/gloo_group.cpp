// SPDX-License-Identifier: GPL-3.0-or-later
// The wheel's libtorch_cpu.so holds gloo, but not its headers. c10d's own header for it wants them for names
// alone: constructor, vtable and collectives are all in that library. So the distribution's headers serve, of
// whatever age, and its libgloo is not linked. It stays so while this object names no symbol of gloo's
// (`nm -C` says) and lays out none of its types: only pointers to devices pass through here.
#define USE_C10D_GLOO
#include "core/engine/process_group.h"

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>

namespace kurtoscope {

bool hasGloo() {
    return true;
}

c10::intrusive_ptr<c10d::Backend> glooGroup(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                            const std::string& address, std::chrono::milliseconds patience) {
    using Gloo = c10d::ProcessGroupGloo;
    auto options = Gloo::Options::create(patience);
    const char* told = std::getenv("GLOO_SOCKET_IFNAME"); // as PyTorch reads it
    std::string names = told ? told : "";
    while (!names.empty()) {
        const std::size_t comma = names.find(',');
        options->devices.push_back(Gloo::createDeviceForInterface(names.substr(0, comma)));
        names = comma == std::string::npos ? "" : names.substr(comma + 1);
    }
    if (options->devices.empty())
        options->devices.push_back(address.empty() ? Gloo::createDefaultDevice()
                                                   : Gloo::createDeviceForHostname(address));
    return c10::make_intrusive<Gloo>(store, rank, size, std::move(options));
}

} // namespace kurtoscope
