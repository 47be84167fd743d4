#include "sim/backends/gloo.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "sim/backends/gloo_error.h"
#include "sim/backends/gloo_world.h"
#include "sim/backends/transfer.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

using Works = std::vector<c10::intrusive_ptr<c10d::Work>>;

// A tensor of bytes over memory that someone else owns.
at::Tensor bytes_at(void* data, size_t bytes) {
  return at::from_blob(data, {static_cast<int64_t>(bytes)}, at::kByte);
}

// Gloo's gathers and scatters want all pieces of one size and ends the process when they are not.
// So pieces that are shorter than the longest travel in buffers of that length, and what arrives in
// such a buffer is copied out after the transfer. The buffers are not tensors of ATen's, because no
// rank allocated them.
class Padding {
 public:
  explicit Padding(size_t length) : length_(length) {}

  at::Tensor giving(const at::Tensor& tensor) {
    if (tensor.nbytes() == length_) return bytes_at(tensor.mutable_data_ptr(), length_);
    std::vector<std::byte>& buffer = buffers_.emplace_back(length_);
    if (tensor.nbytes() > 0) std::memcpy(buffer.data(), tensor.const_data_ptr(), tensor.nbytes());
    return bytes_at(buffer.data(), length_);
  }

  // `bytes` of what arrives belong to `tensor`, whose own tail stays.
  at::Tensor receiving(const at::Tensor& tensor, size_t bytes) {
    if (bytes == length_) return bytes_at(tensor.mutable_data_ptr(), length_);
    std::vector<std::byte>& buffer = buffers_.emplace_back(length_);
    arrivals_.push_back({buffer.data(), tensor.mutable_data_ptr(), bytes});
    return bytes_at(buffer.data(), length_);
  }

  void copy_out() const {
    for (const Arrival& arrival : arrivals_)
      if (arrival.bytes > 0) std::memcpy(arrival.to, arrival.from, arrival.bytes);
  }

 private:
  struct Arrival {
    const std::byte* from;
    void* to;
    size_t bytes;
  };
  size_t length_;
  std::deque<std::vector<std::byte>> buffers_;
  std::vector<Arrival> arrivals_;
};

size_t longest_piece(const Transfer& transfer) {
  size_t longest = 0;
  for_each_piece(transfer, [&](const at::Tensor& from, const at::Tensor&) {
    longest = std::max(longest, from.nbytes());
  });
  return longest;
}

c10d::ReduceOp reduce_op(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum: return c10d::ReduceOp::SUM;
    case Reduction::kMax: return c10d::ReduceOp::MAX;
    case Reduction::kMin: return c10d::ReduceOp::MIN;
  }
  SIM_CHECK(false, "no such reduction: {}", static_cast<int>(reduction));
}

// Starts one transfer on all its members.
class Posting {
 public:
  Posting(const Transfer& transfer, GlooGroup& group, Padding& padding, Works& works)
      : transfer_(transfer), group_(group), padding_(padding), works_(works) {}

  void post() {
    for (size_t i = 0; i < transfer_.members.size(); ++i) works_.push_back(post_member(i));
  }

 private:
  c10::intrusive_ptr<c10d::Work> post_member(size_t i) {
    c10d::ProcessGroupGloo& gloo = group_.at(i);
    switch (transfer_.op) {
      case Collective::kBroadcast:
      case Collective::kSend: return broadcast(gloo, i);
      case Collective::kScatter: return scatter(gloo, i);
      case Collective::kGather: return gather(gloo, i);
      case Collective::kAllGather: return all_gather(gloo, i);
      case Collective::kAllReduce: return all_reduce(gloo, i);
      case Collective::kBarrier: return gloo.barrier();
    }
    SIM_CHECK(false, "no such collective: {}", static_cast<int>(transfer_.op));
  }

  bool is_source(size_t i) const { return i == static_cast<size_t>(transfer_.source); }
  const Member& source() const { return transfer_.members[static_cast<size_t>(transfer_.source)]; }

  // A send is a broadcast in a group of two. A receiver that holds more than is given gets a view
  // of its first bytes: so it ends as in the real library, which sees only the count that arrives.
  c10::intrusive_ptr<c10d::Work> broadcast(c10d::ProcessGroupGloo& gloo, size_t i) {
    const Member& member = transfer_.members[i];
    const at::Tensor& tensor = is_source(i) ? member.in[0] : member.out[0];
    std::vector<at::Tensor> views{bytes_at(tensor.mutable_data_ptr(), source().in[0].nbytes())};
    c10d::BroadcastOptions options;
    options.rootRank = transfer_.source;
    return gloo.broadcast(views, options);
  }

  c10::intrusive_ptr<c10d::Work> scatter(c10d::ProcessGroupGloo& gloo, size_t i) {
    std::vector<at::Tensor> out{
        padding_.receiving(transfer_.members[i].out[0], source().in[i].nbytes())};
    std::vector<std::vector<at::Tensor>> in;
    if (is_source(i)) {
      in.emplace_back();
      for (size_t to = 0; to < transfer_.members.size(); ++to)
        in[0].push_back(padding_.giving(source().in[to]));
    }
    c10d::ScatterOptions options;
    options.rootRank = transfer_.source;
    return gloo.scatter(out, in, options);
  }

  std::vector<at::Tensor> gathered(const Member& receiver) {
    std::vector<at::Tensor> out;
    for (size_t from = 0; from < transfer_.members.size(); ++from)
      out.push_back(
          padding_.receiving(receiver.out[from], transfer_.members[from].in[0].nbytes()));
    return out;
  }

  c10::intrusive_ptr<c10d::Work> gather(c10d::ProcessGroupGloo& gloo, size_t i) {
    std::vector<at::Tensor> in{padding_.giving(transfer_.members[i].in[0])};
    std::vector<std::vector<at::Tensor>> out;
    if (is_source(i)) out.push_back(gathered(source()));
    c10d::GatherOptions options;
    options.rootRank = transfer_.source;
    return gloo.gather(out, in, options);
  }

  c10::intrusive_ptr<c10d::Work> all_gather(c10d::ProcessGroupGloo& gloo, size_t i) {
    const Member& member = transfer_.members[i];
    std::vector<at::Tensor> in{padding_.giving(member.in[0])};
    std::vector<std::vector<at::Tensor>> out{gathered(member)};
    return gloo.allgather(out, in);
  }

  c10::intrusive_ptr<c10d::Work> all_reduce(c10d::ProcessGroupGloo& gloo, size_t i) {
    std::vector<at::Tensor> tensors{transfer_.members[i].out[0]};
    c10d::AllreduceOptions options;
    options.reduceOp = reduce_op(transfer_.reduction);
    return gloo.allreduce(tensors, options);
  }

  const Transfer& transfer_;
  GlooGroup& group_;
  Padding& padding_;
  Works& works_;
};

bool moves_nothing(const Transfer& transfer) {
  switch (transfer.op) {
    case Collective::kBarrier: return false;
    case Collective::kAllReduce: return transfer.members[0].out[0].nbytes() == 0;
    default: return longest_piece(transfer) == 0;
  }
}

// Transfers in flight. All are posted before any is waited for, so that they overlap; a rank's
// transfers in one group keep their order by themselves, since each group has one queue a rank.
class Batch {
 public:
  explicit Batch(GlooWorld& world) : world_(world), last_(static_cast<size_t>(world.ranks())) {}

  Result<void> add(const Transfer& transfer) {
    if (moves_nothing(transfer)) return {};
    Result<GlooGroup*> group = world_.group(ranks_of(transfer));
    if (!group) return tl::make_unexpected(group.error());
    const bool padded = needs_padding(transfer);
    if (padded || overtakes(transfer, *group))
      if (Result<void> done = wait(); !done) return done;
    for (const Member& member : transfer.members) last_[static_cast<size_t>(member.rank)] = *group;
    Padding& padding = paddings_.emplace_back(longest_piece(transfer));
    Result<void> posted = caught([&] { Posting(transfer, **group, padding, works_).post(); });
    return posted && padded ? wait() : posted;
  }

  Result<void> wait() {
    Result<void> done = caught([&] {
      for (const auto& work : works_) work->wait();
    });
    if (!done) return done;
    for (const Padding& padding : paddings_) padding.copy_out();
    works_.clear();
    paddings_.clear();
    std::fill(last_.begin(), last_.end(), nullptr);
    return {};
  }

 private:
  static std::vector<int> ranks_of(const Transfer& transfer) {
    std::vector<int> ranks;
    ranks.reserve(transfer.members.size());
    for (const Member& member : transfer.members) ranks.push_back(member.rank);
    return ranks;
  }

  // Padding is copied by the caller's thread, so it must see what came before.
  static bool needs_padding(const Transfer& transfer) {
    if (transfer.op == Collective::kBroadcast || transfer.op == Collective::kSend) return false;
    const size_t longest = longest_piece(transfer);
    bool uneven = false;
    for_each_piece(transfer, [&](const at::Tensor& from, const at::Tensor&) {
      uneven = uneven || from.nbytes() != longest;
    });
    return uneven;
  }

  // Two groups have queues of their own: a rank's transfer in one waits for those in the other.
  bool overtakes(const Transfer& transfer, const GlooGroup* group) const {
    return std::any_of(
        transfer.members.begin(), transfer.members.end(), [&](const Member& member) {
          const GlooGroup* last = last_[static_cast<size_t>(member.rank)];
          return last != nullptr && last != group;
        });
  }

  GlooWorld& world_;
  std::vector<GlooGroup*> last_;  // of each rank: the group of its last transfer in flight
  std::deque<Padding> paddings_;
  Works works_;
};

class GlooBackend final : public Backend {
 public:
  explicit GlooBackend(std::unique_ptr<GlooWorld> world) : world_(std::move(world)) {}
  GlooBackend(const GlooBackend&) = delete;
  GlooBackend& operator=(const GlooBackend&) = delete;
  ~GlooBackend() override {
    if (world_) give_back_gloo_world(std::move(world_));
  }

  std::string_view name() const override { return "gloo"; }

  Result<void> run(std::span<const Transfer> transfers) override {
    if (!world_) return fail(fmt::format("the Gloo world is dead since: {}", cause_));
    for (const Transfer& transfer : transfers) {
      check(transfer);
      check_ranks(transfer);
      if (Result<void> can = check_reducible(transfer); !can) return can;
    }
    Batch batch(*world_);
    Result<void> moved;
    for (const Transfer& transfer : transfers)
      if (moved) moved = batch.add(transfer);
    if (moved) moved = batch.wait();
    if (moved) return moved;
    // What is in flight may write into tensors and buffers until its world is closed.
    world_.reset();
    cause_ = moved.error().message;
    return fail(fmt::format("Gloo could not move the bytes: {}", cause_));
  }

 private:
  void check_ranks(const Transfer& transfer) const {
    for (const Member& member : transfer.members)
      SIM_CHECK(member.rank >= 0 && member.rank < world_->ranks(),
                "a {} has member rank {} in a world of {}", ::loadproof::sim::name(transfer.op),
                member.rank, world_->ranks());
  }

  std::unique_ptr<GlooWorld> world_;  // nothing once a run has failed
  std::string cause_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_gloo_backend(int ranks, const GlooOptions& options) {
  if (ranks > kGlooRanksMax)
    return fail(fmt::format("the gloo backend runs at most {} ranks in one process, not {}; the sim "
                            "backend has no such limit",
                            kGlooRanksMax, ranks));
  Result<std::unique_ptr<GlooWorld>> world = take_gloo_world(ranks, options);
  if (!world) return tl::make_unexpected(world.error());
  return std::make_unique<GlooBackend>(std::move(*world));
}

}  // namespace loadproof::sim
