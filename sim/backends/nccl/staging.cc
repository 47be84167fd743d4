#include "sim/backends/nccl/staging.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "sim/backends/transfer.h"

namespace loadproof::sim {
namespace {

// The first bytes of a tensor, where they are.
at::Tensor bytes_of(const at::Tensor& tensor, size_t bytes) {
  return tensor.view({-1}).view(at::kByte).narrow(0, 0, static_cast<int64_t>(bytes));
}

// What the giver of the piece that arrives in out[i] of a member has.
size_t bytes_given(const Transfer& transfer, size_t member, size_t i) {
  const Member& source = transfer.members[static_cast<size_t>(transfer.source)];
  switch (transfer.op) {
    case Collective::kBroadcast:
    case Collective::kSend: return source.in[0].nbytes();
    case Collective::kScatter: return source.in[member].nbytes();
    case Collective::kGather:
    case Collective::kAllGather: return transfer.members[i].in[0].nbytes();
    case Collective::kAllReduce: return transfer.members[member].out[0].nbytes();
    case Collective::kBarrier: return 0;
  }
  SIM_CHECK(false, "no such collective: {}", static_cast<int>(transfer.op));
}

class Stage {
 public:
  Stage(const Transfer& transfer, size_t index, at::Device device)
      : transfer_(transfer),
        index_(index),
        member_(transfer.members[index]),
        is_source_(index == static_cast<size_t>(transfer.source)),
        length_(longest_piece(transfer)) {
    staged_.device = device;
  }

  Staged made() {
    const size_t all = transfer_.members.size();
    switch (transfer_.op) {
      case Collective::kBroadcast:
      case Collective::kSend: is_source_ ? give(1) : receive(1); break;
      case Collective::kScatter:
        if (is_source_) give(all);
        receive(1);
        break;
      case Collective::kGather:
        give(1);
        if (is_source_) receive(all);
        break;
      case Collective::kAllGather:
        give(1);
        receive(all);
        break;
      case Collective::kAllReduce: whole(); break;
      case Collective::kBarrier: break;
    }
    return std::move(staged_);
  }

 private:
  at::Tensor buffer() const {
    return at::empty({static_cast<int64_t>(length_)},
                     at::TensorOptions(at::kByte).device(staged_.device));
  }

  // NCCL reads what a member gives and writes what it receives, where these are, if the piece needs
  // no padding: padding that arrives must not overwrite a receiver's tail.
  bool fits(const at::Tensor& tensor, size_t bytes) const {
    return tensor.device() == staged_.device && bytes == length_;
  }

  void give(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const at::Tensor& from = member_.in[i];
      const size_t bytes = from.nbytes();
      at::Tensor to = fits(from, bytes) ? bytes_of(from, bytes) : buffer();
      if (bytes > 0 && !fits(from, bytes))
        to.narrow(0, 0, static_cast<int64_t>(bytes)).copy_(bytes_of(from, bytes));
      staged_.in.push_back(std::move(to));
    }
  }

  void receive(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const at::Tensor& to = member_.out[i];
      const bool is_direct = fits(to, bytes_given(transfer_, index_, i));
      staged_.out.push_back(is_direct ? bytes_of(to, length_) : buffer());
    }
  }

  // An all_reduce alone has a type, and is in place.
  void whole() { staged_.out.push_back(member_.out[0].view({-1}).to(staged_.device)); }

  const Transfer& transfer_;
  size_t index_;
  const Member& member_;
  bool is_source_;
  size_t length_;  // of every piece, padding included
  Staged staged_;
};

Result<void> check_device(const Transfer& transfer, const Member& member, int device,
                          const std::vector<at::Tensor>& list) {
  for (const at::Tensor& tensor : list)
    if (tensor.defined() && tensor.is_cuda() && tensor.device().index() != device)
      return fail(fmt::format("rank {} of a {} has a tensor on {}, and its device is cuda:{}",
                              member.rank, name(transfer.op), tensor.device().str(), device));
  return {};
}

}  // namespace

Staged stage(const Transfer& transfer, size_t member, at::Device device) {
  return Stage(transfer, member, device).made();
}

void unstage(const Transfer& transfer, size_t member, const Staged& staged) {
  for (size_t i = 0; i < staged.out.size(); ++i) {
    const at::Tensor& to = transfer.members[member].out[i];
    const size_t bytes = bytes_given(transfer, member, i);
    if (bytes == 0 || staged.out[i].const_data_ptr() == to.const_data_ptr()) continue;
    bytes_of(to, bytes).copy_(bytes_of(staged.out[i], bytes));
  }
}

Result<void> check_devices(const Transfer& transfer, const DeviceOfRank& device_of) {
  for (const Member& member : transfer.members)
    for (const auto* list : {&member.in, &member.out})
      if (Result<void> ok = check_device(transfer, member, device_of(member.rank), *list); !ok)
        return ok;
  return {};
}

}  // namespace loadproof::sim
