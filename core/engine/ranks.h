// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/process_backend.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace kurtoscope {

// Processes that do one piece of work together, each on its part of every batch or of the windows, found by
// what torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), mpirun (OMPI_COMM_WORLD_*, PMI_*) or Slurm
// (SLURM_PROCID, SLURM_STEP_NUM_TASKS: of srun, not of an allocation in which a program runs alone) put into
// the environment. They meet in LibTorch's TCP store and sum by the backend they agree on. One thread.
class Ranks {
public:
    // Null for a process alone. `device`: what the tensors to be summed lie on. Throws Error, also where some
    // process cannot have the backend that was asked for.
    static std::unique_ptr<Ranks> fromEnvironment(ProcessBackend asked, c10::Device device);
    // Waits for the others, but where something has failed: they are told and not waited for.
    ~Ranks();

    int rank() const { return rank_; }
    int size() const { return size_; }
    bool leads() const { return rank_ == 0; } // the one that writes files
    // "gloo", "nccl" or "store"; where a better one failed, it is said too: "store, since gloo could not
    // connect: …".
    const std::string& backend() const { return backend_; }
    // What every process gives, in their order.
    std::vector<std::string> gather(const std::string& mine);
    // Every tensor becomes its sum over all processes, which get the same bits: float32.
    void sum(const std::vector<at::Tensor>& tensors);
    void waitForAll();
    // Before all of them go at once, by an error or a stop: the store goes with the process that holds it, and
    // the others may still be reading.
    void leaveTogether();
    static Ranks*& shared(); // those that share this process's windows; null: it is alone

private:
    Ranks(int rank, int size, ProcessBackend asked, c10::Device device);

    struct Meeting;
    void meet();
    void agree(ProcessBackend asked, c10::Device device);
    void connect(bool forced, c10::Device device);
    bool allCould(const char* backend, bool forced, const std::function<void()>& connect);
    [[noreturn]] void refuse(const std::string& what, const std::string& hint);
    void sumByStore(at::Tensor flat);
    [[noreturn]] void lost(const std::string& reason);

    std::unique_ptr<Meeting> meeting_;
    int rank_, size_;
    std::string backend_ = "store";
    std::int64_t round_ = 0;
    std::set<std::int64_t> lengths_; // of sums that all were found to agree on
    int exceptions_;                 // that were on their way when it was made
    bool broken_ = false;            // one of them is gone, or says what does not fit
};

} // namespace kurtoscope
