// What the backends share: a transfer taken apart into its copies, and checked.
//
// Pure functions; nothing is owned here.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "sim/backends/backend.h"
#include "sim/check.h"
#include "sim/result.h"

namespace loadproof::sim {

// Where the tensors may be that a backend is handed.
enum class TensorMemory : uint8_t { kHost, kHostAndDevices };

// SIM_CHECKs everything that the seam asks of a transfer (sim/backends/backend.h). With `own`, only
// that rank is here, and the tensors of others may be on meta: sizes alone.
void check(const Transfer& transfer, std::optional<int> own = {},
           TensorMemory memory = TensorMemory::kHost);

// SIM_CHECKs that the members are ranks of a world of so many.
void check_ranks(const Transfer& transfer, int ranks);

// Bytes of the largest copy that the transfer consists of.
size_t longest_piece(const Transfer& transfer);

// Whether there is no byte to move and nobody to wait for.
bool moves_nothing(const Transfer& transfer);

// An error when a member's dtype is one that Gloo can't reduce (float8, int16); else nothing.
Result<void> check_reducible(const Transfer& transfer);

// Calls visit(from, to) for every copy that the transfer consists of, in the order of the giving
// and then of the receiving member. An all_reduce and a barrier consist of none.
template <typename Visit>
void for_each_piece(const Transfer& transfer, Visit visit) {
  const std::vector<Member>& members = transfer.members;
  const size_t source = static_cast<size_t>(transfer.source);
  switch (transfer.op) {
    case Collective::kBroadcast:
      for (size_t i = 0; i < members.size(); ++i)
        if (i != source) visit(members[source].in[0], members[i].out[0]);
      return;
    case Collective::kScatter:
      for (size_t i = 0; i < members.size(); ++i) visit(members[source].in[i], members[i].out[0]);
      return;
    case Collective::kGather:
      for (size_t i = 0; i < members.size(); ++i) visit(members[i].in[0], members[source].out[i]);
      return;
    case Collective::kAllGather:
      for (size_t i = 0; i < members.size(); ++i)
        for (const Member& receiver : members) visit(members[i].in[0], receiver.out[i]);
      return;
    case Collective::kSend: visit(members[0].in[0], members[1].out[0]); return;
    case Collective::kAllReduce:
    case Collective::kBarrier: return;
  }
  SIM_CHECK(false, "no such collective: {}", static_cast<int>(transfer.op));
}

}  // namespace loadproof::sim
