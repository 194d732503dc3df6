// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/cuda/cuda_library.h"
#include "core/cuda/nccl_group.h"
#include "core/data/device_kind.h"

#include <c10/core/Device.h>

#include <exception>
#include <string>

namespace kurtoscope {

// The device a choice means on this machine. `cuda` loads the CUDA library first: LibTorch caches what it
// finds at the first question, so nothing may ask before. Throws Error where CUDA was asked for and cannot be
// had, with the way there.
c10::Device openDevice(DeviceKind kind);

// The CUDA library's maker of nccl groups, or null while it is not loaded or was built without nccl.
using NcclGroup = const char* (*)(c10d::Store*, int, int, c10d::Backend**);
NcclGroup ncclGroup();

// Whether what a call threw means that memory, of the machine or of its GPU, was too small.
bool isOutOfMemory(const std::exception& failure);

std::string deviceDescription(c10::Device device, int threads); // "CPU · AVX-512 VNNI · 2 threads"

} // namespace kurtoscope
