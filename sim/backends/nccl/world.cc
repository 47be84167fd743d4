#include "sim/backends/nccl/world.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "sim/backends/caught.h"

namespace loadproof::sim {
namespace {

using Nccl = c10d::ProcessGroupNCCL;

class Group final : public NcclGroup {
 public:
  explicit Group(size_t size) : members(size) {}
  Nccl& at(size_t index) override { return *members[index]; }

  std::vector<c10::intrusive_ptr<Nccl>> members;
};

class World final : public NcclWorld {
 public:
  World(int ranks, std::chrono::milliseconds timeout)
      : ranks_(ranks), timeout_(timeout), store_(c10::make_intrusive<c10d::HashStore>()) {
    store_->setTimeout(timeout);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override {
    for (auto& [ranks, group] : groups_)
      static_cast<void>(in_parallel(group->members.size(), [this, &all = group->members](size_t i) {
        if (!aborted_) all[i]->shutdown();
        all[i].reset();
      }));
  }

  int ranks() const override { return ranks_; }

  Result<NcclGroup*> group(const std::vector<int>& ranks) override {
    if (auto found = groups_.find(ranks); found != groups_.end()) return found->second.get();
    auto made = std::make_unique<Group>(ranks.size());
    const auto store = c10::make_intrusive<c10d::PrefixStore>(fmt::format("{}", made_++), store_);
    const Result<void> met = in_parallel(ranks.size(), [&](size_t i) {
      auto options = Nccl::Options::create();
      options->timeout = timeout_;
      made->members[i] = c10::make_intrusive<Nccl>(store, static_cast<int>(i),
                                                   static_cast<int>(ranks.size()), options);
      // At once: else the first transfer would do it, and where one fails the rest would wait.
      made->members[i]->eagerConnectSingleDevice(
          at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(ranks[i])));
    });
    if (!met) {
      static_cast<void>(in_parallel(ranks.size(), [&](size_t i) {
        if (made->members[i]) made->members[i]->abort();
      }));
      return fail(fmt::format("{} ranks could not meet over NCCL: {}", ranks.size(),
                              met.error().message));
    }
    return groups_.emplace(ranks, std::move(made)).first->second.get();
  }

  void abort() override {
    aborted_ = true;
    for (auto& [ranks, group] : groups_)
      static_cast<void>(in_parallel(group->members.size(), [&all = group->members](size_t i) {
        all[i]->abort();
      }));
  }

 private:
  int ranks_;
  std::chrono::milliseconds timeout_;
  int made_ = 0;  // groups made so far: each has its own part of the store
  bool aborted_ = false;
  c10::intrusive_ptr<c10d::HashStore> store_;
  std::map<std::vector<int>, std::unique_ptr<Group>> groups_;
};

}  // namespace

Result<std::unique_ptr<NcclWorld>> make_nccl_world(int ranks, std::chrono::milliseconds timeout) {
  auto world = std::make_unique<World>(ranks, timeout);
  std::vector<int> all(static_cast<size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) all[static_cast<size_t>(rank)] = rank;
  if (Result<NcclGroup*> whole = world->group(all); !whole)
    return tl::make_unexpected(whole.error());
  return world;
}

void make_nccl_errors_results() {
  constexpr int kKeep = 0;
  for (const auto& [name, value] : {std::pair{"TORCH_NCCL_BLOCKING_WAIT", "1"},
                                    {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "0"},
                                    {"TORCH_NCCL_ENABLE_MONITORING", "0"}})
    ::setenv(name, value, kKeep);
}

}  // namespace loadproof::sim
