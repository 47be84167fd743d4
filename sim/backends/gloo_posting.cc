#include "sim/backends/gloo_posting.h"

#include <ATen/ops/from_blob.h>

#include <cstring>

#include "sim/backends/transfer.h"
#include "sim/check.h"

namespace loadproof::sim {
namespace {

// A tensor of bytes over memory that someone else owns.
at::Tensor bytes_at(void* data, size_t bytes) {
  return at::from_blob(data, {static_cast<int64_t>(bytes)}, at::kByte);
}

c10d::ReduceOp reduce_op(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum: return c10d::ReduceOp::SUM;
    case Reduction::kMax: return c10d::ReduceOp::MAX;
    case Reduction::kMin: return c10d::ReduceOp::MIN;
  }
  SIM_CHECK(false, "no such reduction: {}", static_cast<int>(reduction));
}

// What one transfer asks of each member's process group.
class Posting {
 public:
  Posting(const Transfer& transfer, GlooGroup& group, Staging& staging)
      : transfer_(transfer), group_(group), staging_(staging), longest_(longest_piece(transfer)) {}

  c10::intrusive_ptr<c10d::Work> on_member(size_t i) {
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

 private:
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
        staging_.receiving(transfer_.members[i].out[0], source().in[i].nbytes(), longest_)};
    std::vector<std::vector<at::Tensor>> in;
    if (is_source(i)) {
      in.emplace_back();
      for (size_t to = 0; to < transfer_.members.size(); ++to)
        in[0].push_back(staging_.giving(source().in[to], longest_));
    }
    c10d::ScatterOptions options;
    options.rootRank = transfer_.source;
    return gloo.scatter(out, in, options);
  }

  std::vector<at::Tensor> gathered(const Member& receiver) {
    std::vector<at::Tensor> out;
    for (size_t from = 0; from < transfer_.members.size(); ++from)
      out.push_back(staging_.receiving(receiver.out[from],
                                       transfer_.members[from].in[0].nbytes(), longest_));
    return out;
  }

  c10::intrusive_ptr<c10d::Work> gather(c10d::ProcessGroupGloo& gloo, size_t i) {
    std::vector<at::Tensor> in{staging_.giving(transfer_.members[i].in[0], longest_)};
    std::vector<std::vector<at::Tensor>> out;
    if (is_source(i)) out.push_back(gathered(source()));
    c10d::GatherOptions options;
    options.rootRank = transfer_.source;
    return gloo.gather(out, in, options);
  }

  c10::intrusive_ptr<c10d::Work> all_gather(c10d::ProcessGroupGloo& gloo, size_t i) {
    const Member& member = transfer_.members[i];
    std::vector<at::Tensor> in{staging_.giving(member.in[0], longest_)};
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
  Staging& staging_;
  size_t longest_;
};

}  // namespace

at::Tensor Staging::giving(const at::Tensor& tensor, size_t length) {
  if (tensor.nbytes() == length) return bytes_at(tensor.mutable_data_ptr(), length);
  std::byte* padded = buffer(length);
  if (tensor.nbytes() > 0) std::memcpy(padded, tensor.const_data_ptr(), tensor.nbytes());
  return bytes_at(padded, length);
}

at::Tensor Staging::receiving(const at::Tensor& tensor, size_t bytes, size_t length) {
  if (bytes == length) return bytes_at(tensor.mutable_data_ptr(), length);
  std::byte* padded = buffer(length);
  later(padded, tensor, bytes);
  return bytes_at(padded, length);
}

void Staging::later(const std::byte* from, const at::Tensor& to, size_t bytes) {
  if (bytes > 0) arrivals_.push_back({from, to.mutable_data_ptr(), bytes});
}

void Staging::copy_out() const {
  for (const Arrival& arrival : arrivals_) std::memcpy(arrival.to, arrival.from, arrival.bytes);
}

void post(const Transfer& transfer, GlooGroup& group, Staging& staging, Works& works) {
  Posting posting(transfer, group, staging);
  for (size_t i = 0; i < transfer.members.size(); ++i)
    if (group.has(i)) works.push_back(posting.on_member(i));
}

void post_together(const std::vector<const Transfer*>& broadcasts, GlooGroup& group,
                   Staging& staging, Works& works) {
  const Transfer& first = *broadcasts[0];
  const auto source = static_cast<size_t>(first.source);
  size_t total = 0;
  for (const Transfer* each : broadcasts) total += longest_piece(*each);
  for (size_t i = 0; i < first.members.size(); ++i) {
    std::byte* const all = staging.buffer(total);
    std::byte* next = all;
    for (const Transfer* each : broadcasts) {
      const at::Tensor& given = each->members[source].in[0];
      if (i == source) std::memcpy(next, given.const_data_ptr(), given.nbytes());
      else staging.later(next, each->members[i].out[0], given.nbytes());
      next += given.nbytes();
    }
    std::vector<at::Tensor> view{bytes_at(all, total)};
    c10d::BroadcastOptions options;
    options.rootRank = first.source;
    works.push_back(group.at(i).broadcast(view, options));
  }
}

}  // namespace loadproof::sim
