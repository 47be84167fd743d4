#include "sim/backends/nccl/world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <map>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "sim/backends/caught.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

using Nccl = c10d::ProcessGroupNCCL;

class Group final : public NcclGroup {
 public:
  // `here`: the members that are in this process.
  Group(size_t size, std::vector<size_t> here) : members(size), here_(std::move(here)) {}
  const std::vector<size_t>& here() const override { return here_; }
  Nccl& at(size_t index) override {
    SIM_CHECK(members[index], "member {} is in another process", index);
    return *members[index];
  }

  std::vector<c10::intrusive_ptr<Nccl>> members;

 private:
  std::vector<size_t> here_;
};

// What a world in one process and one of a job have in common: how groups are made and go.
class World : public NcclWorld {
 public:
  World(int ranks, std::chrono::milliseconds timeout) : ranks_(ranks), timeout_(timeout) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override {
    on_all([this](c10::intrusive_ptr<Nccl>& member) {
      if (!aborted_) member->shutdown();
      member.reset();
    });
  }

  int ranks() const override { return ranks_; }

  Result<NcclGroup*> group(const std::vector<int>& ranks) override {
    if (auto found = groups_.find(ranks); found != groups_.end()) return found->second.get();
    auto made = std::make_unique<Group>(ranks.size(), members_here(ranks));
    const std::vector<size_t>& here = made->here();
    const c10::intrusive_ptr<c10d::Store> store = store_for(ranks);
    const Result<void> met = in_parallel(here.size(), [&](size_t i) {
      const size_t member = here[i];
      auto options = Nccl::Options::create();
      options->timeout = timeout_;
      made->members[member] = c10::make_intrusive<Nccl>(store, static_cast<int>(member),
                                                        static_cast<int>(ranks.size()), options);
      // At once: else the first transfer would do it, and where one fails the rest would wait.
      made->members[member]->eagerConnectSingleDevice(at::Device(
          at::kCUDA, static_cast<c10::DeviceIndex>(device_of(ranks[member]))));
    });
    if (!met) {
      static_cast<void>(in_parallel(here.size(), [&](size_t i) {
        if (made->members[here[i]]) made->members[here[i]]->abort();
      }));
      return fail(fmt::format("{} ranks could not meet over NCCL: {}", ranks.size(),
                              met.error().message));
    }
    return groups_.emplace(ranks, std::move(made)).first->second.get();
  }

  void abort() override {
    aborted_ = true;
    on_all([](c10::intrusive_ptr<Nccl>& member) { member->abort(); });
  }

 protected:
  // A part of the store of the group's own.
  virtual c10::intrusive_ptr<c10d::Store> store_for(const std::vector<int>& ranks) = 0;

 private:
  int ranks_;
  std::chrono::milliseconds timeout_;
  bool aborted_ = false;
  std::map<std::vector<int>, std::unique_ptr<Group>> groups_;

  std::vector<size_t> members_here(const std::vector<int>& ranks) const {
    std::vector<size_t> here;
    for (size_t i = 0; i < ranks.size(); ++i)
      if (!own_rank() || ranks[i] == *own_rank()) here.push_back(i);
    return here;
  }

  // Those of a group in parallel.
  template <typename Work>
  void on_all(Work work) {
    for (auto& [ranks, group] : groups_)
      static_cast<void>(in_parallel(group->here().size(), [&, &all = *group](size_t i) {
        work(all.members[all.here()[i]]);
      }));
  }
};

class LocalWorld final : public World {
 public:
  LocalWorld(int ranks, std::chrono::milliseconds timeout)
      : World(ranks, timeout), store_(c10::make_intrusive<c10d::HashStore>()) {
    store_->setTimeout(timeout);
  }
  std::optional<int> own_rank() const override { return std::nullopt; }
  int device_of(int rank) const override { return rank; }

 private:
  int made_ = 0;  // groups so far
  c10::intrusive_ptr<c10d::HashStore> store_;

  c10::intrusive_ptr<c10d::Store> store_for(const std::vector<int>&) override {
    return c10::make_intrusive<c10d::PrefixStore>(fmt::format("{}", made_++), store_);
  }
};

class JobWorld final : public World {
 public:
  explicit JobWorld(const NcclJob& job)
      : World(job.ranks, job.timeout),
        rank_(job.rank),
        device_(job.device),
        given_up_(job.given_up),
        store_(c10::intrusive_ptr<c10d::Store>::reclaim_copy(job.store)) {}
  std::optional<int> own_rank() const override { return rank_; }
  int device_of(int) const override { return device_; }
  std::function<bool()> given_up() const override { return given_up_; }

 private:
  int rank_, device_;
  std::function<bool()> given_up_;
  c10::intrusive_ptr<c10d::Store> store_;

  c10::intrusive_ptr<c10d::Store> store_for(const std::vector<int>& ranks) override {
    return c10::make_intrusive<c10d::PrefixStore>(
        fmt::format("nccl group {}", fmt::join(ranks, ",")), store_);
  }
};

}  // namespace

Result<std::unique_ptr<NcclWorld>> make_nccl_world(int ranks, std::chrono::milliseconds timeout) {
  auto world = std::make_unique<LocalWorld>(ranks, timeout);
  std::vector<int> all(static_cast<size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) all[static_cast<size_t>(rank)] = rank;
  if (Result<NcclGroup*> whole = world->group(all); !whole)
    return tl::make_unexpected(whole.error());
  return world;
}

std::unique_ptr<NcclWorld> make_nccl_job_world(const NcclJob& job) {
  return std::make_unique<JobWorld>(job);
}

void make_nccl_errors_results() {
  constexpr int kKeep = 0;
  for (const auto& [name, value] : {std::pair{"TORCH_NCCL_BLOCKING_WAIT", "1"},
                                    {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "0"},
                                    {"TORCH_NCCL_ENABLE_MONITORING", "0"}})
    ::setenv(name, value, kKeep);
}

}  // namespace loadproof::sim
