// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/ranks.h"

#include "core/base/error.h"
#include "core/base/local_rank.h"
#include "core/engine/device.h"
#include "core/engine/process_group.h"

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <unistd.h>

namespace kurtoscope {
namespace {

constexpr std::chrono::minutes patience{30}, connecting{1};

std::string variable(std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const char* value = std::getenv(name); value && *value) return value;
    return "";
}

int numberOf(const std::string& text, const char* what, int low, int high) {
    int value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || value < low || value > high)
        throw Error(std::string(what) + " is \"" + text + "\" in the environment", "",
                    "Start with torchrun, mpirun or srun, or unset it");
    return value;
}

std::string firstLine(const std::exception& failure) {
    std::string text = failure.what();
    text = text.substr(0, text.find('\n'));
    const std::size_t place = text.starts_with('[') ? text.find("] ") : std::string::npos; // file and line
    return place == std::string::npos ? text : text.substr(place + 2);
}

// Where two processes have the same, they share a GPU.
std::string placeOf(c10::Device device) {
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    return std::string(host) + "/" + (device.is_cpu() ? "cpu" : visibleGpu(device.index()));
}

// The first byte of a value.
constexpr std::uint8_t going = 0, failed = 1;

std::string keyOf(std::int64_t round, int rank) {
    return "kurtoscope/" + std::to_string(round) + "/" + std::to_string(rank);
}

} // namespace

struct Ranks::Meeting {
    c10::intrusive_ptr<c10d::Store> store;
    // gloo is there beside nccl too: it says within a moment that a process is gone.
    c10::intrusive_ptr<c10d::Backend> gloo, nccl;
    c10::Device device = c10::kCPU; // of what is summed
    bool local = false;             // all of them met through the loopback interface

    static void add(c10d::Backend& group, at::Tensor tensor) {
        std::vector<at::Tensor> one{std::move(tensor)};
        group.allreduce(one)->wait();
    }
    // Throws when one of them is gone.
    void awaitAll() const { add(*gloo, at::zeros({1})); }
};

std::unique_ptr<Ranks> Ranks::fromEnvironment(ProcessBackend asked, c10::Device device) {
    const std::string size = variable(
                          {"WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}),
                      rank = variable({"RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"});
    if (size.empty() || rank.empty()) return nullptr;
    const int count = numberOf(size, "the number of processes", 1, 1 << 20);
    if (count == 1) return nullptr;
    return std::unique_ptr<Ranks>(
        new Ranks(numberOf(rank, "the process's number", 0, count - 1), count, asked, device));
}

Ranks::Ranks(int rank, int size, ProcessBackend asked, c10::Device device)
    : meeting_(std::make_unique<Meeting>()),
      rank_(rank),
      size_(size),
      exceptions_(std::uncaught_exceptions()) {
    meet();
    agree(asked, device);
}

void Ranks::meet() {
    // What c10d warns of, with traces, reaches the user as a sentence.
    if (variable({"TORCH_CPP_LOG_LEVEL"}).empty()) FLAGS_caffe2_log_level = 2;
    std::string host = variable({"MASTER_ADDR", "SLURM_LAUNCH_NODE_IPADDR"});
    if (host.empty()) host = "127.0.0.1";
    meeting_->local = host == "localhost" || host == "127.0.0.1" || host == "::1";
    c10d::TCPStoreOptions options;
    const std::string port = variable({"MASTER_PORT"});
    if (!port.empty()) options.port = static_cast<std::uint16_t>(numberOf(port, "MASTER_PORT", 1, 65535));
    // torchrun's agent has a store at that address already, which outlives this attempt.
    options.isServer = rank_ == 0 && variable({"TORCHELASTIC_USE_AGENT_STORE"}) != "True";
    options.numWorkers = static_cast<std::size_t>(size_);
    options.waitWorkers = false;
    options.timeout = patience;
    try {
        meeting_->store =
            c10::make_intrusive<c10d::PrefixStore>("kurtoscope" + variable({"TORCHELASTIC_RESTART_COUNT"}),
                                                   c10::make_intrusive<c10d::TCPStore>(host, options));
    } catch (const std::exception& failure) {
        throw Error("the processes cannot meet: " + firstLine(failure),
                    host + ":" + std::to_string(options.port), "Check MASTER_ADDR and MASTER_PORT");
    }
}

void Ranks::agree(ProcessBackend asked, c10::Device device) {
    const std::string place = placeOf(device);
    const bool canNccl = !device.is_cpu() && ncclGroup();
    const std::string mine = std::to_string(int(asked)) + (hasGloo() ? "g" : "-") + (canNccl ? "n" : "-");
    bool alike = true, gloo = true, nccl = true;
    std::set<std::string> places;
    for (const std::string& other : gather(mine + place)) {
        alike = alike && other.front() == mine.front();
        gloo = gloo && other[1] == 'g', nccl = nccl && other[2] == 'n';
        nccl = places.insert(other.substr(3)).second && nccl;
    }
    if (!alike) refuse("the processes were given different backends", "Give every process the same command");
    if (asked == ProcessBackend::gloo && !gloo)
        refuse("gloo was asked for, but a process was built without it",
               "Install libgloo-dev and build again");
    if (asked == ProcessBackend::nccl && !(nccl && gloo))
        refuse("nccl needs a GPU of its own for every process, and a build with nccl's and gloo's headers",
               "Start one process for each GPU, or use gloo");
    if (asked == ProcessBackend::store || !gloo) return;
    const bool byGpu = asked == ProcessBackend::automatic ? nccl : asked == ProcessBackend::nccl;
    connect(asked != ProcessBackend::automatic, byGpu ? device : c10::Device(c10::kCPU));
}

void Ranks::leaveTogether() {
    try {
        waitForAll();
    } catch (const Error&) { // the one with the store has left already
    }
}

// All of them come to it at once.
void Ranks::refuse(const std::string& what, const std::string& hint) {
    leaveTogether();
    throw Error(what, "--backend", hint);
}

// All of them go the same way: where one cannot connect, none sums by it.
bool Ranks::allCould(const char* backend, bool forced, const std::function<void()>& connect) {
    std::string failure;
    try {
        connect();
    } catch (const std::exception& error) {
        failure = firstLine(error);
        if (failure.empty()) failure = "no reason was given";
    }
    for (const std::string& other : gather(failure)) {
        if (other.empty()) continue;
        if (forced)
            refuse("the processes cannot connect by " + std::string(backend) + ": " + other,
                   "GLOO_SOCKET_IFNAME and NCCL_SOCKET_IFNAME name the network's interface; --backend store "
                   "needs none");
        backend_ += ", since " + std::string(backend) + " could not connect: " + other;
        return false;
    }
    return true;
}

// `device`: a GPU where nccl is to sum. Until it does, nothing lies there.
void Ranks::connect(bool forced, c10::Device device) {
    c10::intrusive_ptr<c10d::Backend> gloo, nccl;
    const auto connectGloo = [&] {
        gloo = glooGroup(meeting_->store, rank_, size_, meeting_->local ? "127.0.0.1" : "", connecting);
    };
    if (!allCould("gloo", forced, connectGloo)) return;
    gloo->setTimeout(patience);
    meeting_->gloo = std::move(gloo);
    backend_ = "gloo";
    if (device.is_cpu()) return;
    const auto makeNccl = [&] {
        c10d::Backend* made = nullptr;
        if (const char* reason = ncclGroup()(meeting_->store.get(), rank_, size_, &made))
            throw std::runtime_error(reason);
        nccl = c10::intrusive_ptr<c10d::Backend>::reclaim(made);
        nccl->setTimeout(connecting);
    };
    // nccl connects in its first sum.
    const auto connectNccl = [&] {
        const c10d::StoreTimeoutGuard soon(*meeting_->store, connecting);
        const at::Tensor one = at::ones({1}).to(device);
        Meeting::add(*nccl, one);
        if (one.item<float>() != float(size_)) throw std::runtime_error("its first sum was wrong");
    };
    if (allCould("nccl", forced, makeNccl) && allCould("nccl", forced, connectNccl)) {
        nccl->setTimeout(patience);
        meeting_->nccl = std::move(nccl), meeting_->device = device;
        backend_ = "nccl";
    } else if (nccl) {
        try {
            nccl->abort();
        } catch (const std::exception&) { // it never was whole
        }
    }
}

Ranks::~Ranks() {
    // The store goes with the process that holds it: the others have to be done with it. Who fails says so
    // before its connections close.
    try {
        const bool failing = broken_ || std::uncaught_exceptions() > exceptions_;
        if (failing)
            meeting_->store->set(keyOf(round_, rank_), std::vector<std::uint8_t>{failed});
        else
            waitForAll();
        if (meeting_->nccl) failing ? meeting_->nccl->abort() : meeting_->nccl->shutdown();
    } catch (const std::exception&) { // one of them has failed and said so
    }
}

Ranks*& Ranks::shared() {
    static Ranks* those = nullptr;
    return those;
}

void Ranks::waitForAll() {
    gather("");
}

// Whoever fails has said so in the store, before its connections closed.
void Ranks::lost(const std::string& reason) {
    broken_ = true;
    std::string what = "another process is gone: " + reason;
    try {
        for (int rank = 0; rank < size_; ++rank)
            if (const std::string key = keyOf(round_, rank);
                rank != rank_ && meeting_->store->check({key}) && meeting_->store->get(key).front() == failed)
                what = "process " + std::to_string(rank) + " has failed or was stopped";
    } catch (const std::exception&) { // the store is gone too
    }
    throw Error(what, "", "See what it said; a training goes on with --resume");
}

std::vector<std::string> Ranks::gather(const std::string& mine) {
    std::vector<std::string> all;
    bool whole = true;
    try {
        std::vector<std::uint8_t> value(mine.size() + 1, going);
        std::copy(mine.begin(), mine.end(), value.begin() + 1);
        meeting_->store->set(keyOf(round_, rank_), value);
        if (meeting_->gloo) meeting_->awaitAll();
        for (int rank = 0; rank < size_ && whole; ++rank) {
            const std::vector<std::uint8_t> part = meeting_->store->get(keyOf(round_, rank));
            whole = part.front() != failed;
            all.emplace_back(part.begin() + 1, part.end());
        }
        // Whoever is at this round has read the one before the last.
        if (round_ >= 2 && whole) meeting_->store->deleteKey(keyOf(round_ - 2, rank_));
    } catch (const std::exception& failure) {
        lost(firstLine(failure));
    }
    if (!whole) lost("");
    ++round_; // in which the others look next
    return all;
}

void Ranks::sum(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> parts;
    for (const at::Tensor& tensor : tensors)
        parts.push_back(tensor.detach().to(meeting_->device, at::kFloat).reshape({-1}));
    const at::Tensor flat = at::cat(parts);
    if (lengths_.insert(flat.numel()).second)
        for (const std::string& other : gather(std::to_string(flat.numel())))
            if (other != std::to_string(flat.numel())) {
                broken_ = true;
                throw Error("another process trains another model", "",
                            "Give every process the same command");
            }
    if (meeting_->gloo) {
        try {
            if (meeting_->nccl) meeting_->awaitAll();
            Meeting::add(meeting_->nccl ? *meeting_->nccl : *meeting_->gloo, flat);
        } catch (const std::exception& failure) {
            lost(firstLine(failure));
        }
    } else {
        sumByStore(flat);
    }
    std::int64_t at = 0;
    for (const at::Tensor& tensor : tensors) {
        at::Tensor(tensor.detach()).copy_(flat.narrow(0, at, tensor.numel()).view(tensor.sizes()));
        at += tensor.numel();
    }
}

// In the processes' order, so that all get the same bits.
void Ranks::sumByStore(at::Tensor flat) {
    const std::string mine(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
    flat.zero_();
    for (std::string& part : gather(mine))
        flat.add_(at::from_blob(part.data(), flat.sizes(), at::kFloat));
}

} // namespace kurtoscope
