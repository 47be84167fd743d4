#include "sim/backends/gloo.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <utility>

#include "sim/backends/caught.h"
#include "sim/backends/gloo_posting.h"
#include "sim/backends/gloo_world.h"
#include "sim/backends/transfer.h"

namespace loadproof::sim {
namespace {

// Byte ranges of the tensors that are in use.
class Ranges {
 public:
  // Whether a tensor shares bytes with one that is in use.
  bool touch(const at::Tensor& tensor) const {
    const auto [begin, end] = range_of(tensor);
    const auto next = ends_.upper_bound(begin);  // the first range that ends behind our begin
    return next != ends_.end() && next->second < end;
  }
  void add(const at::Tensor& tensor) {
    auto [begin, end] = range_of(tensor);
    if (begin == end) return;
    // The tensors of one transfer may overlap: join what does.
    for (auto next = ends_.upper_bound(begin); next != ends_.end() && next->second < end;
         next = ends_.erase(next)) {
      begin = std::min(begin, next->second);
      end = std::max(end, next->first);
    }
    ends_.emplace(end, begin);
  }
  void clear() { ends_.clear(); }

 private:
  static std::pair<uintptr_t, uintptr_t> range_of(const at::Tensor& tensor) {
    const auto begin = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
    return {begin, begin + tensor.nbytes()};
  }
  std::map<uintptr_t, uintptr_t> ends_;  // end to begin; the ranges are disjoint
};

// Transfers in flight. All are posted before any is waited for, so that they overlap, unless one
// touches bytes of an earlier one. Small broadcasts of one source to the same members that follow
// each other go as one, as torch's own _broadcast_coalesced does: a model has hundreds of small
// tensors, and each broadcast costs four hand-overs between threads whatever its size.
class Batch {
 public:
  explicit Batch(GlooWorld& world) : world_(world) {}

  Result<void> add(const Transfer& transfer) {
    if (moves_nothing(transfer)) return {};
    Result<GlooGroup*> group = world_.group(ranks_of(transfer));
    if (!group) return tl::make_unexpected(group.error());
    if (touches_what_is_in_flight(transfer))
      if (Result<void> done = wait(); !done) return done;
    for_each_tensor(transfer, [&](const at::Tensor& tensor) { in_flight_.add(tensor); });
    if (!joins(transfer, *group))
      if (Result<void> posted = post_bundle(); !posted) return posted;
    if (can_join(transfer)) {
      bundle_.push_back(&transfer);
      bundle_group_ = *group;
      bundle_bytes_ += longest_piece(transfer);
      return {};
    }
    return caught([&] { post(transfer, **group, staging_, works_); });
  }

  Result<void> wait() {
    if (Result<void> posted = post_bundle(); !posted) return posted;
    for (const auto& work : works_)
      if (Result<void> done = wait_for(*work); !done) return done;
    staging_.copy_out();
    staging_ = {};
    works_.clear();
    in_flight_.clear();
    return {};
  }

  // Of one that has failed: threads of the transport may be in it for as long as they like.
  void leave() {
    struct Left {
      Works works;
      Staging staging;
    };
    static_cast<void>(
        std::make_unique<Left>(Left{std::move(works_), std::move(staging_)}).release());
  }

 private:
  static constexpr size_t kSmallMax = size_t{64} * 1024;
  static constexpr size_t kBundleMax = size_t{1024} * 1024;

  // Where ranks are in processes of their own, one does not know what others could join.
  bool can_join(const Transfer& transfer) const {
    return !world_.own_rank() && transfer.op == Collective::kBroadcast &&
           longest_piece(transfer) <= kSmallMax;
  }

  bool joins(const Transfer& transfer, const GlooGroup* group) const {
    return can_join(transfer) && !bundle_.empty() && bundle_group_ == group &&
           bundle_[0]->source == transfer.source && bundle_bytes_ < kBundleMax;
  }

  Result<void> wait_for(c10d::Work& work) const {
    constexpr std::chrono::milliseconds kSlice{50};
    const std::function<bool()> given_up = world_.given_up();
    while (given_up && !work.isCompleted()) {
      if (given_up()) return fail("other ranks were waited for no more");
      static_cast<void>(caught([&] { work.wait(kSlice); }));
    }
    return caught([&] { work.wait(); });
  }

  Result<void> post_bundle() {
    if (bundle_.empty()) return {};
    bundle_bytes_ = 0;
    const std::vector<const Transfer*> bundle = std::exchange(bundle_, {});
    return caught([&] {
      if (bundle.size() == 1) post(*bundle[0], *bundle_group_, staging_, works_);
      else post_together(bundle, *bundle_group_, staging_, works_);
    });
  }

  static std::vector<int> ranks_of(const Transfer& transfer) {
    std::vector<int> ranks;
    ranks.reserve(transfer.members.size());
    for (const Member& member : transfer.members) ranks.push_back(member.rank);
    return ranks;
  }

  bool touches_what_is_in_flight(const Transfer& transfer) const {
    bool touches = false;
    for_each_tensor(transfer, [&](const at::Tensor& tensor) {
      touches = touches || in_flight_.touch(tensor);
    });
    return touches;
  }

  template <typename Visit>
  static void for_each_tensor(const Transfer& transfer, Visit visit) {
    for (const Member& member : transfer.members) {
      for (const std::vector<at::Tensor>* list : {&member.in, &member.out})
        for (const at::Tensor& tensor : *list)
          if (tensor.defined() && !tensor.is_meta()) visit(tensor);
    }
  }

  GlooWorld& world_;
  Ranges in_flight_;
  std::vector<const Transfer*> bundle_;  // small broadcasts, not yet posted
  GlooGroup* bundle_group_ = nullptr;
  size_t bundle_bytes_ = 0;
  Staging staging_;
  Works works_;
};

class GlooBackend final : public Backend {
 public:
  GlooBackend(std::unique_ptr<GlooWorld> world, bool gives_back)
      : world_(std::move(world)), gives_back_(gives_back) {}
  GlooBackend(const GlooBackend&) = delete;
  GlooBackend& operator=(const GlooBackend&) = delete;
  ~GlooBackend() override {
    if (world_ && gives_back_) give_back_gloo_world(std::move(world_));
  }

  std::string_view name() const override { return "gloo"; }

  Result<void> run(std::span<const Transfer> transfers) override {
    if (!world_) return fail(fmt::format("the Gloo world is dead since: {}", cause_));
    for (const Transfer& transfer : transfers) {
      check(transfer, world_->own_rank());
      check_ranks(transfer, world_->ranks());
      if (Result<void> can = check_reducible(transfer); !can) return can;
    }
    Batch batch(*world_);
    Result<void> moved;
    for (const Transfer& transfer : transfers)
      if (moved) moved = batch.add(transfer);
    if (moved) moved = batch.wait();
    if (moved) return moved;
    // What is in flight may write into tensors and buffers until its world is closed; that of
    // several processes is not, since it would wait for those that are lost.
    if (world_->own_rank()) {
      batch.leave();
      static_cast<void>(world_.release());
    }
    world_.reset();
    cause_ = moved.error().message;
    return fail(fmt::format("Gloo could not move the bytes: {}", cause_));
  }

 private:
  std::unique_ptr<GlooWorld> world_;  // nothing once a run has failed
  bool gives_back_;
  std::string cause_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_gloo_backend(int ranks, const GlooOptions& options) {
  if (ranks > kGlooRanksMax)
    return fail(
        fmt::format("the gloo backend runs at most {} ranks in one process, not {}; the sim "
                    "backend has no such limit",
                    kGlooRanksMax, ranks));
  Result<std::unique_ptr<GlooWorld>> world = take_gloo_world(ranks, options);
  if (!world) return tl::make_unexpected(world.error());
  return std::make_unique<GlooBackend>(std::move(*world), /*gives_back=*/true);
}

std::unique_ptr<Backend> backend_in(std::unique_ptr<GlooWorld> world) {
  return std::make_unique<GlooBackend>(std::move(world), /*gives_back=*/false);
}

}  // namespace loadproof::sim
