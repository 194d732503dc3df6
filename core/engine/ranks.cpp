// SPDX-License-Identifier: GPL-3.0-or-later
// The wheel's LibTorch holds c10d with gloo, but gloo's own headers are not among those it brings, and
// ProcessGroupGloo.hpp needs them. Its store needs none: what is summed goes through it.
#include "core/engine/ranks.h"

#include "core/base/error.h"

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace kurtoscope {
namespace {

constexpr std::chrono::minutes patience{30};

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

// The first byte of a value.
constexpr std::uint8_t going = 0, failed = 1;

std::string keyOf(std::int64_t round, int rank) {
    return "kurtoscope/" + std::to_string(round) + "/" + std::to_string(rank);
}

} // namespace

struct Ranks::Meeting {
    c10::intrusive_ptr<c10d::TCPStore> store;
};

std::unique_ptr<Ranks> Ranks::fromEnvironment() {
    const std::string size = variable(
                          {"WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}),
                      rank = variable({"RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"});
    if (size.empty() || rank.empty()) return nullptr;
    const int count = numberOf(size, "the number of processes", 1, 1 << 20);
    if (count == 1) return nullptr;
    return std::unique_ptr<Ranks>(new Ranks(numberOf(rank, "the process's number", 0, count - 1), count));
}

Ranks::Ranks(int rank, int size)
    : meeting_(std::make_unique<Meeting>()),
      rank_(rank),
      size_(size),
      exceptions_(std::uncaught_exceptions()) {
    std::string host = variable({"MASTER_ADDR", "SLURM_LAUNCH_NODE_IPADDR"});
    if (host.empty()) host = "127.0.0.1";
    c10d::TCPStoreOptions options;
    const std::string port = variable({"MASTER_PORT"});
    if (!port.empty()) options.port = static_cast<std::uint16_t>(numberOf(port, "MASTER_PORT", 1, 65535));
    // torchrun's agent has a store at that address already.
    options.isServer = rank == 0 && variable({"TORCHELASTIC_USE_AGENT_STORE"}) != "True";
    options.numWorkers = static_cast<std::size_t>(size);
    options.waitWorkers = false;
    options.timeout = patience;
    try {
        meeting_->store = c10::make_intrusive<c10d::TCPStore>(host, options);
    } catch (const std::exception& failure) {
        const std::string text = failure.what();
        throw Error("the processes cannot meet: " + text.substr(0, text.find('\n')),
                    host + ":" + std::to_string(options.port), "Check MASTER_ADDR and MASTER_PORT");
    }
    waitForAll();
}

Ranks::~Ranks() {
    // The store goes with the process that holds it: the others have to be done with it.
    try {
        if (broken_ || std::uncaught_exceptions() > exceptions_)
            meeting_->store->set(keyOf(round_, rank_), {failed});
        else
            waitForAll();
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

std::vector<std::string> Ranks::gather(const std::string& mine) {
    std::vector<std::string> all;
    int gone = -1;
    try {
        std::vector<std::uint8_t> value(mine.size() + 1, going);
        std::copy(mine.begin(), mine.end(), value.begin() + 1);
        meeting_->store->set(keyOf(round_, rank_), value);
        for (int rank = 0; rank < size_ && gone < 0; ++rank) {
            const std::vector<std::uint8_t> part = meeting_->store->get(keyOf(round_, rank));
            if (part.front() == failed) gone = rank;
            all.emplace_back(part.begin() + 1, part.end());
        }
        // Whoever is at this round has read the one before the last.
        if (round_ >= 2 && gone < 0) meeting_->store->deleteKey(keyOf(round_ - 2, rank_));
    } catch (const std::exception& failure) {
        broken_ = true;
        const std::string text = failure.what();
        throw Error("another process is gone: " + text.substr(0, text.find('\n')), "",
                    "See what it said; a training goes on with --resume");
    }
    ++round_; // in which the others look next
    if (gone >= 0) {
        broken_ = true;
        throw Error("process " + std::to_string(gone) + " has failed or was stopped", "",
                    "See what it said; a training goes on with --resume");
    }
    return all;
}

void Ranks::sum(const std::vector<at::Tensor>& tensors) {
    std::int64_t values = 0;
    for (const at::Tensor& tensor : tensors)
        values += tensor.numel();
    std::string bytes(static_cast<std::size_t>(values) * sizeof(float), '\0');
    const auto visit = [&](auto act) {
        std::size_t at = 0;
        for (const at::Tensor& tensor : tensors) {
            act(tensor, bytes.data() + at);
            at += static_cast<std::size_t>(tensor.numel()) * sizeof(float);
        }
    };
    visit([](const at::Tensor& tensor, char* to) {
        const at::Tensor plain = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
        std::memcpy(to, plain.const_data_ptr<float>(),
                    static_cast<std::size_t>(plain.numel()) * sizeof(float));
    });
    std::vector<float> total(static_cast<std::size_t>(values), 0.0F);
    for (const std::string& part : gather(bytes)) {
        if (part.size() != bytes.size()) {
            broken_ = true;
            throw Error("another process trains another model", "", "Give every process the same command");
        }
        for (std::size_t i = 0; i < total.size(); ++i) {
            float value = 0;
            std::memcpy(&value, part.data() + i * sizeof value, sizeof value);
            total[i] += value;
        }
    }
    std::memcpy(bytes.data(), total.data(), bytes.size());
    visit([](const at::Tensor& tensor, char* from) {
        const at::Tensor made = at::from_blob(from, tensor.sizes(), at::kFloat).clone();
        at::Tensor(tensor.detach()).copy_(made);
    });
}

} // namespace kurtoscope
