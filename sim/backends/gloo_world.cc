#include "sim/backends/gloo_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "sim/backends/caught.h"

namespace loadproof::sim {
namespace {

using Gloo = c10d::ProcessGroupGloo;

class Group final : public GlooGroup {
 public:
  explicit Group(size_t size) : members(size) {}
  bool has(size_t) const override { return true; }
  Gloo& at(size_t index) override { return *members[index]; }

  std::vector<c10::intrusive_ptr<Gloo>> members;
};

class World final : public GlooWorld {
 public:
  World(int ranks, GlooOptions options)
      : ranks_(ranks),
        options_(std::move(options)),
        store_(c10::make_intrusive<c10d::HashStore>()) {
    store_->setTimeout(options_.timeout);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override { close_all(); }

  int ranks() const override { return ranks_; }
  std::optional<int> own_rank() const override { return std::nullopt; }

  Result<GlooGroup*> group(const std::vector<int>& ranks) override {
    if (auto found = groups_.find(ranks); found != groups_.end()) return found->second.get();
    auto made = std::make_unique<Group>(ranks.size());
    const auto store = c10::make_intrusive<c10d::PrefixStore>(fmt::format("{}", made_++), store_);
    const Result<void> met = in_parallel(ranks.size(), [&](size_t i) {
      made->members[i] =
          c10::make_intrusive<Gloo>(store, static_cast<int>(i), static_cast<int>(ranks.size()),
                                    member(static_cast<int>(ranks.size())));
    });
    if (!met)
      return fail(
          fmt::format("{} ranks could not meet over Gloo on the network interface \"{}\": {}",
                      ranks.size(), options_.interface, met.error().message));
    return groups_.emplace(ranks, std::move(made)).first->second.get();
  }

  void trim() override {
    constexpr size_t kGroupsMax = 32;
    if (groups_.size() > kGroupsMax) close_all();
  }

 private:
  // Options of one member of one group. Lazy: it connects to the peers it talks to, not to all. Its
  // device is its own, since lazy connections are told apart by the peer's rank alone and so get
  // mixed up (and hang) where members or groups share one.
  c10::intrusive_ptr<Gloo::Options> member(int size) const {
    auto options = Gloo::Options::create(options_.timeout);
    options->devices = {Gloo::createDeviceForInterface(options_.interface, /*lazyInit=*/true)};
    // More threads overlap more transfers; in large groups the members overlap each other enough.
    options->threads = std::clamp(16 / size, 1, 8);
    return options;
  }

  // In parallel, since one rank after the other takes seconds (64 ranks: 20 s).
  void close_all() {
    std::vector<c10::intrusive_ptr<Gloo>*> all;
    for (auto& [ranks, group] : groups_)
      for (c10::intrusive_ptr<Gloo>& member : group->members) all.push_back(&member);
    static_cast<void>(in_parallel(all.size(), [&](size_t i) { all[i]->reset(); }));
    groups_.clear();
  }

  int ranks_;
  int made_ = 0;  // groups made so far: each has its own part of the store
  GlooOptions options_;
  c10::intrusive_ptr<c10d::HashStore> store_;
  std::map<std::vector<int>, std::unique_ptr<Group>> groups_;
};

// Idle worlds, the one given back last at the end.
class Pool {
 public:
  std::unique_ptr<GlooWorld> take(int ranks) {
    const std::lock_guard lock(mutex_);
    for (auto world = idle_.begin(); world != idle_.end(); ++world) {
      if ((*world)->ranks() != ranks) continue;
      std::unique_ptr<GlooWorld> taken = std::move(*world);
      idle_.erase(world);
      idle_ranks_ -= ranks;
      return taken;
    }
    return nullptr;
  }

  void give_back(std::unique_ptr<GlooWorld> world) {
    std::vector<std::unique_ptr<GlooWorld>> too_many;  // closed when the lock is gone
    const std::lock_guard lock(mutex_);
    idle_ranks_ += world->ranks();
    idle_.push_back(std::move(world));
    while (idle_ranks_ > kIdleRanksMax) {
      idle_ranks_ -= idle_.front()->ranks();
      too_many.push_back(std::move(idle_.front()));
      idle_.pop_front();
    }
  }

 private:
  // Bounds the threads and sockets of idle worlds: a thread and some sockets a rank and group.
  static constexpr int kIdleRanksMax = 2 * kGlooRanksMax;

  std::mutex mutex_;
  std::deque<std::unique_ptr<GlooWorld>> idle_;
  int idle_ranks_ = 0;
};

// The one global here: worlds outlive the backends that use them, so that something must hold them
// between two. Its destructor joins Gloo's threads before the libraries are torn down.
Pool& pool() {
  static Pool the_pool;
  return the_pool;
}

}  // namespace

Result<std::unique_ptr<GlooWorld>> take_gloo_world(int ranks, const GlooOptions& options) {
  if (std::unique_ptr<GlooWorld> idle = pool().take(ranks)) return idle;
  auto world = std::make_unique<World>(ranks, options);
  std::vector<int> all(static_cast<size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) all[static_cast<size_t>(rank)] = rank;
  if (Result<GlooGroup*> whole = world->group(all); !whole)
    return tl::make_unexpected(whole.error());
  return world;
}

void give_back_gloo_world(std::unique_ptr<GlooWorld> world) {
  world->trim();
  pool().give_back(std::move(world));
}

}  // namespace loadproof::sim
