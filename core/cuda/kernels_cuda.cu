// SPDX-License-Identifier: GPL-3.0-or-later
// The kernels of the CUDA library, compiled for GPUs.
#include "core/cuda/kernels/finish.cuh"
#include "core/cuda/kernels/gather.cuh"
#include "core/cuda/kernels/round.cuh"
#include "core/cuda/kernels/rows.cuh"

#define KURTOSCOPE_ENTRY extern "C" __attribute__((visibility("default"))) const char*

KURTOSCOPE_ENTRY kurtoscopeCudaRound(const KurtoscopeCudaRound* work) {
    return runRound(*work);
}
KURTOSCOPE_ENTRY kurtoscopeCudaRows(const KurtoscopeCudaRows* work) {
    return runRows(*work);
}
KURTOSCOPE_ENTRY kurtoscopeCudaGather(const KurtoscopeCudaGather* work) {
    return runGather(*work);
}
KURTOSCOPE_ENTRY kurtoscopeCudaFinish(const KurtoscopeCudaFinish* work) {
    return runFinish(*work);
}
