// Gloo between processes: TCPStore, and process groups of one member here.
#include <c10/util/Logging.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>

#include "sim/backends/caught.h"
#include "sim/backends/gloo_world.h"
#include "sim/backends/job_store.h"
#include "sim/backends/nccl_part.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

using Gloo = c10d::ProcessGroupGloo;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

class OwnGroup final : public GlooGroup {
 public:
  OwnGroup(size_t index, c10::intrusive_ptr<Gloo> gloo) : index_(index), gloo_(std::move(gloo)) {}
  bool has(size_t index) const override { return index == index_; }
  Gloo& at(size_t index) override {
    SIM_CHECK(index == index_, "member {} is in another process", index);
    return *gloo_;
  }

 private:
  size_t index_;
  c10::intrusive_ptr<Gloo> gloo_;
};

class JobWorld final : public GlooWorld {
 public:
  JobWorld(StorePtr store, int rank, int ranks, std::string address,
           std::chrono::milliseconds timeout, std::function<bool()> given_up)
      : store_(std::move(store)),
        rank_(rank),
        ranks_(ranks),
        address_(std::move(address)),
        timeout_(timeout),
        given_up_(std::move(given_up)) {}

  int ranks() const override { return ranks_; }
  std::optional<int> own_rank() const override { return rank_; }
  std::function<bool()> given_up() const override { return given_up_; }

  Result<GlooGroup*> group(const std::vector<int>& ranks) override {
    if (auto found = groups_.find(ranks); found != groups_.end()) return found->second.get();
    const auto own = std::ranges::find(ranks, rank_) - ranks.begin();
    c10::intrusive_ptr<Gloo> gloo;
    const Result<void> met = caught([&] {
      const auto store = c10::make_intrusive<c10d::PrefixStore>(
          fmt::format("group {}", fmt::join(ranks, ",")), store_);
      gloo = c10::make_intrusive<Gloo>(store, static_cast<int>(own),
                                       static_cast<int>(ranks.size()), options());
    });
    if (!met)
      return fail(fmt::format("ranks {} could not meet over Gloo from {}: {}",
                              fmt::join(ranks, ", "), address_, met.error().message));
    auto made = std::make_unique<OwnGroup>(static_cast<size_t>(own), std::move(gloo));
    return groups_.emplace(ranks, std::move(made)).first->second.get();
  }

  void trim() override {}

 private:
  // Lazy, and a device of its own for each group, as in gloo_world.cc. Who waits in vain gives up;
  // the transport's own limit is for where nobody says so.
  c10::intrusive_ptr<Gloo::Options> options() const {
    auto options = Gloo::Options::create(2 * timeout_);
    const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
    options->devices = {interface
                            ? Gloo::createDeviceForInterface(interface, /*lazyInit=*/true)
                            : Gloo::createDeviceForHostname(address_, /*lazyInit=*/true)};
    return options;
  }

  StorePtr store_;
  int rank_, ranks_;
  std::string address_;
  std::chrono::milliseconds timeout_;
  std::function<bool()> given_up_;
  std::map<std::vector<int>, std::unique_ptr<OwnGroup>> groups_;
};

class TcpStore final : public JobStore {
 public:
  TcpStore(StorePtr store, std::chrono::milliseconds timeout)
      : store_(std::move(store)), timeout_(timeout) {}

  Result<void> set(const std::string& key, const std::string& value) override {
    return caught([&] { store_->set(key, std::vector<uint8_t>(value.begin(), value.end())); });
  }

  Result<std::string> get(const std::string& key) override {
    std::string value;
    const Result<void> got = caught([&] {
      const std::vector<uint8_t> bytes = store_->get(key);
      value.assign(bytes.begin(), bytes.end());
    });
    if (!got) return tl::make_unexpected(got.error());
    return value;
  }

  std::unique_ptr<Backend> make_backend(int rank, int ranks, const std::string& address,
                                        std::function<bool()> given_up) override {
    return backend_in(std::make_unique<JobWorld>(store_, rank, ranks, address, timeout_,
                                                 std::move(given_up)));
  }

  Result<std::unique_ptr<Backend>> make_nccl_backend(int rank, int ranks, int device,
                                                     std::function<bool()> given_up) override {
    return make_nccl_job_backend({.store = store_.get(),
                                  .rank = rank,
                                  .ranks = ranks,
                                  .device = device,
                                  .timeout = 2 * timeout_,
                                  .given_up = std::move(given_up)});
  }

 private:
  StorePtr store_;
  std::chrono::milliseconds timeout_;
};

}  // namespace

Result<std::unique_ptr<JobStore>> open_job_store(const JobStoreOptions& options) {
  std::unique_ptr<JobStore> opened;
  const Result<void> done = caught([&] {
    c10::initLogging();  // by TORCH_CPP_LOG_LEVEL
    c10d::TCPStoreOptions how;
    how.port = options.port;
    how.isServer = options.serves;
    how.waitWorkers = false;
    how.timeout = options.timeout;
    const StorePtr tcp = c10::make_intrusive<c10d::TCPStore>(options.host, how);
    opened = std::make_unique<TcpStore>(
        c10::make_intrusive<c10d::PrefixStore>("loadproof", tcp), options.timeout);
  });
  if (!done)
    return fail(fmt::format("the ranks cannot find each other at {}:{}: {}", options.host,
                            options.port, done.error().message));
  return opened;
}

}  // namespace loadproof::sim
