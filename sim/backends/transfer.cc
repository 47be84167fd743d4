#include "sim/backends/transfer.h"

#include <fmt/format.h>

#include <algorithm>

namespace loadproof::sim {
namespace {

// How many tensors a member gives and receives. The tensors that a member need not have are not
// looked at, so a caller may hand over more.
struct Needs {
  size_t in = 0;
  size_t out = 0;
};

Needs needs(const Transfer& transfer, bool is_source) {
  const size_t all = transfer.members.size();
  switch (transfer.op) {
    case Collective::kBroadcast: return is_source ? Needs{1, 0} : Needs{0, 1};
    case Collective::kScatter: return {is_source ? all : 0, 1};
    case Collective::kGather: return {1, is_source ? all : 0};
    case Collective::kAllGather: return {1, all};
    case Collective::kAllReduce: return {0, 1};
    case Collective::kBarrier: return {0, 0};
    case Collective::kSend: return is_source ? Needs{1, 0} : Needs{0, 1};
  }
  SIM_CHECK(false, "no such collective: {}", static_cast<int>(transfer.op));
}

void check_dense(const Transfer& transfer, const Member& member,
                 const std::vector<at::Tensor>& list, size_t count, bool is_here,
                 TensorMemory memory) {
  SIM_CHECK(list.size() >= count, "rank {} of a {} has {} tensors where {} are needed", member.rank,
            name(transfer.op), list.size(), count);
  for (size_t i = 0; i < count; ++i) {
    const at::Tensor& tensor = list[i];
    const bool is_there = tensor.defined() && tensor.is_cuda() &&
                          memory == TensorMemory::kHostAndDevices;
    SIM_CHECK(tensor.defined() && (tensor.is_cpu() || is_there || (tensor.is_meta() && !is_here)) &&
                  tensor.is_contiguous(),
              "rank {} of a {} has a tensor that is not a dense one on the CPU", member.rank,
              name(transfer.op));
  }
}

void check_same_layout(const Transfer& transfer) {
  const at::Tensor& first = transfer.members[0].out[0];
  for (const Member& member : transfer.members) {
    const at::Tensor& tensor = member.out[0];
    SIM_CHECK(tensor.nbytes() == first.nbytes() && tensor.itemsize() == first.itemsize(),
              "all_reduce of {} bytes of width {} on rank {}, of {} bytes of width {} on rank {}",
              first.nbytes(), first.itemsize(), transfer.members[0].rank, tensor.nbytes(),
              tensor.itemsize(), member.rank);
  }
}

// The types of GENERATE_ALL_TYPES in torch's ProcessGroupGloo.cpp.
bool reducible(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Float:
    case c10::ScalarType::Double:
    case c10::ScalarType::Half:
    case c10::ScalarType::BFloat16:
    case c10::ScalarType::Char:
    case c10::ScalarType::Byte:
    case c10::ScalarType::Bool:
    case c10::ScalarType::Int:
    case c10::ScalarType::Long: return true;
    default: return false;
  }
}

}  // namespace

void check(const Transfer& transfer, std::optional<int> own, TensorMemory memory) {
  const size_t count = transfer.members.size();
  SIM_CHECK(count > 0, "a {} has no members", name(transfer.op));
  SIM_CHECK(transfer.source >= 0 && static_cast<size_t>(transfer.source) < count,
            "the source of a {} is member {} of {}", name(transfer.op), transfer.source, count);
  SIM_CHECK(transfer.op != Collective::kSend || (count == 2 && transfer.source == 0),
            "a send has {} members and member {} for its source", count, transfer.source);
  for (size_t i = 0; i < count; ++i) {
    const Member& member = transfer.members[i];
    const Needs need = needs(transfer, i == static_cast<size_t>(transfer.source));
    const bool is_here = !own || member.rank == *own;
    check_dense(transfer, member, member.in, need.in, is_here, memory);
    check_dense(transfer, member, member.out, need.out, is_here, memory);
  }
  if (transfer.op == Collective::kAllReduce) check_same_layout(transfer);
  for_each_piece(transfer, [&](const at::Tensor& from, const at::Tensor& to) {
    SIM_CHECK(from.nbytes() <= to.nbytes(), "a {} gives {} bytes to a member that holds {}",
              name(transfer.op), from.nbytes(), to.nbytes());
  });
}

void check_ranks(const Transfer& transfer, int ranks) {
  for (const Member& member : transfer.members)
    SIM_CHECK(member.rank >= 0 && member.rank < ranks, "a {} has member rank {} in a world of {}",
              name(transfer.op), member.rank, ranks);
}

size_t longest_piece(const Transfer& transfer) {
  size_t longest = 0;
  for_each_piece(transfer, [&](const at::Tensor& from, const at::Tensor&) {
    longest = std::max(longest, from.nbytes());
  });
  return longest;
}

bool moves_nothing(const Transfer& transfer) {
  switch (transfer.op) {
    case Collective::kBarrier: return false;
    case Collective::kAllReduce: return transfer.members[0].out[0].nbytes() == 0;
    default: return longest_piece(transfer) == 0;
  }
}

Result<void> check_reducible(const Transfer& transfer) {
  if (transfer.op != Collective::kAllReduce) return {};
  for (const Member& member : transfer.members) {
    const c10::ScalarType type = member.out[0].scalar_type();
    if (!reducible(type))
      return fail(fmt::format("rank {}: all_reduce of {}: Gloo reduces only float32, float64, "
                              "float16, bfloat16, int8, uint8, bool, int32 and int64",
                              member.rank, c10::toString(type)));
  }
  return {};
}

}  // namespace loadproof::sim
