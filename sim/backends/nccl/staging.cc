#include "sim/backends/nccl/staging.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "sim/backends/transfer.h"

namespace loadproof::sim {
namespace {

// All bytes of a rank's tensor, where they are.
at::Tensor host_bytes(const at::Tensor& tensor, size_t bytes) {
  return at::from_blob(tensor.mutable_data_ptr(), {static_cast<int64_t>(bytes)}, at::kByte);
}

class Stage {
 public:
  Stage(const Transfer& transfer, size_t index)
      : transfer_(transfer),
        member_(transfer.members[index]),
        is_source_(index == static_cast<size_t>(transfer.source)),
        length_(static_cast<int64_t>(longest_piece(transfer))) {
    staged_.device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(member_.rank));
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
    return at::empty({length_}, at::TensorOptions(at::kByte).device(staged_.device));
  }

  void give(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const at::Tensor& from = member_.in[i];
      at::Tensor to = buffer();
      const auto bytes = static_cast<int64_t>(from.nbytes());
      if (bytes > 0) to.narrow(0, 0, bytes).copy_(host_bytes(from, from.nbytes()));
      staged_.in.push_back(std::move(to));
    }
  }

  void receive(size_t count) {
    for (size_t i = 0; i < count; ++i) staged_.out.push_back(buffer());
  }

  // An all_reduce alone has a type, and is in place.
  void whole() {
    const at::Tensor& tensor = member_.out[0];
    const at::Tensor typed =
        at::from_blob(tensor.mutable_data_ptr(), {tensor.numel()}, tensor.scalar_type());
    staged_.out.push_back(typed.to(staged_.device));
  }

  const Transfer& transfer_;
  const Member& member_;
  bool is_source_;
  int64_t length_;
  Staged staged_;
};

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

}  // namespace

Staged stage(const Transfer& transfer, size_t member) { return Stage(transfer, member).made(); }

void unstage(const Transfer& transfer, size_t member, const Staged& staged) {
  for (size_t i = 0; i < staged.out.size(); ++i) {
    const size_t bytes = bytes_given(transfer, member, i);
    if (bytes == 0) continue;
    const at::Tensor arrived = staged.out[i].view(at::kByte);
    host_bytes(transfer.members[member].out[i], bytes)
        .copy_(arrived.narrow(0, 0, static_cast<int64_t>(bytes)));
  }
}

}  // namespace loadproof::sim
