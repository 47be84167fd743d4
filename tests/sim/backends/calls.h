// Calls that the tests of the rendezvous make.
#pragma once

#include <string>
#include <utility>

#include "sim/backends/rendezvous.h"
#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {

inline Call barrier_of(int rank, const std::string& step = "meet") {
  Call call;
  call.rank = rank;
  call.step_id = step;
  return call;
}

// A broadcast from rank 0 in step "sync" with a tensor of `count` times `value`.
inline Call broadcast_of(int rank, const std::string& tensor, int64_t count = 4, double value = 0,
                  at::ScalarType type = at::kFloat) {
  Call call = barrier_of(rank, "sync");
  call.op = Collective::kBroadcast;
  call.tensor = tensor;
  call.dtype = type == at::kFloat ? DType::kFloat32
               : type == at::kHalf ? DType::kFloat16
               : type == at::kInt  ? DType::kInt32
                                   : DType::kBFloat16;
  call.shape = {count};
  call.bytes = count * item_size(call.dtype);
  call.source = 0;
  (rank == 0 ? call.in : call.out).push_back(full_of(count, value, type));
  return call;
}

inline Call from(int source, Call call) {
  call.source = source;
  return call;
}

inline Rendezvous world_of(int ranks) { return Rendezvous({{"world", first_ranks(ranks)}}); }

}  // namespace loadproof::sim
