// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace kurtoscope {

// Processes that do one piece of work together, each on its part of every batch or of the windows, found by
// what torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), mpirun (OMPI_COMM_WORLD_*, PMI_*) or Slurm
// (SLURM_PROCID, SLURM_STEP_NUM_TASKS: of srun, not of an allocation in which a program runs alone) put into
// the environment. They meet in LibTorch's TCP store. One thread.
class Ranks {
public:
    static std::unique_ptr<Ranks> fromEnvironment(); // null for a process alone; throws Error
    // Waits for the others, but where something has failed: they are told and not waited for.
    ~Ranks();

    int rank() const { return rank_; }
    int size() const { return size_; }
    bool leads() const { return rank_ == 0; } // the one that writes files
    // What every process gives, in their order.
    std::vector<std::string> gather(const std::string& mine);
    // Every tensor becomes its sum over all processes, added in their order, so that all get the same bits.
    void sum(const std::vector<at::Tensor>& tensors);
    void waitForAll();
    static Ranks*& shared(); // those that share this process's windows; null: it is alone

private:
    Ranks(int rank, int size);

    struct Meeting;
    std::unique_ptr<Meeting> meeting_;
    int rank_, size_;
    std::int64_t round_ = 0;
    int exceptions_;      // that were on their way when it was made
    bool broken_ = false; // one of them is gone, or says what does not fit
};

} // namespace kurtoscope
