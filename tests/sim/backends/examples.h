// Transfers whose pieces differ in size and value from member to member: one of every collective.
#pragma once

#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {

inline constexpr Collective kAllCollectives[] = {
    Collective::kBroadcast, Collective::kScatter, Collective::kGather, Collective::kAllGather,
    Collective::kAllReduce, Collective::kBarrier, Collective::kSend,
};

inline Transfer example_of(Collective op, int ranks, int source) {
  Transfer transfer = transfer_of(op, first_ranks(ranks), source);
  const auto size_of = [&](int rank) { return op == Collective::kAllReduce ? 33 : 5 + 7 * rank; };
  for (Member& member : transfer.members) {
    for (int i = 0; i < ranks; ++i)
      member.in.push_back(
          values_of(member.rank + i, op == Collective::kScatter ? size_of(i) : size_of(member.rank),
                    at::kBFloat16));
    for (int i = 0; i < ranks; ++i)
      member.out.push_back(op == Collective::kAllReduce
                               ? values_of(member.rank, size_of(0), at::kFloat)
                               : full_of(size_of(ranks), -1, at::kBFloat16));
  }
  return transfer;
}

}  // namespace loadproof::sim
