// The seam through which bytes move between ranks, and nothing else does.
//
// A backend is handed collectives whose members have all arrived and whose descriptions the
// rendezvous (sim/backends/rendezvous.h) has compared; what disagrees beyond what is allowed below
// is our own bug and ends in SIM_CHECK. It owns no tensor and keeps none after run() returns. One
// thread calls a backend; it may use threads of its own, of which none writes once run() returned.
// An Error is one of the transport: after it the backend is dead, and every later run() fails too.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.h"

namespace loadproof::sim {

enum class Collective : uint8_t {
  kBroadcast, kScatter, kGather, kAllGather, kAllReduce, kBarrier, kSend,
};
enum class Reduction : uint8_t { kSum, kMax, kMin };

std::string_view name(Collective op);
std::string_view name(Reduction reduction);

// One member's part. Tensors are dense (contiguous) CPU tensors that stay alive during run(); the
// nccl backend also takes those on the member's own device, where they are.
// `in`: what the member gives; `out`: where it receives. Per operation:
//   kBroadcast  source: in[0]                              others: out[0]
//   kScatter    source: in.size() = members, in[i] for i   out[0] on every member
//   kGather     in[0] on every member                      source: out.size() = members
//   kAllGather  in[0] on every member                      out.size() = members, on every member
//   kAllReduce  out[0] is reduced in place
//   kBarrier    none
//   kSend       members[0] gives in[0], members[1] receives out[0]
// Only bytes count, so dtypes and shapes may differ between giver and receiver. A receiver that
// holds more bytes than it is given keeps its tail; one that holds fewer is our own bug. What the
// members of a gather give may differ in size (uneven shards, empty ones included). An all_reduce
// needs as many elements of one width on every member, each of which reduces as its own dtype.
struct Member {
  int rank = 0;  // global rank
  std::vector<at::Tensor> in;
  std::vector<at::Tensor> out;
};

struct Transfer {
  Collective op = Collective::kBarrier;
  int source = 0;  // index into members: who gives (broadcast, scatter, send) or receives (gather)
  Reduction reduction = Reduction::kSum;
  std::vector<Member> members;  // in the group's order
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  // Moves the bytes of all transfers, which are in program order of every member, as if one after
  // the other; a backend overlaps those that can't tell.
  virtual Result<void> run(std::span<const Transfer> transfers) = 0;
};

struct BackendInfo {
  std::string_view name;
  std::string_view about;
  bool needs_device;  // a GPU for each rank
  // Makes a backend for a world of `ranks` ranks; may hand out one that an earlier world gave back.
  Result<std::unique_ptr<Backend>> (*make)(int ranks);
};

std::span<const BackendInfo> backends();  // the table: one row a backend
Result<std::unique_ptr<Backend>> make_backend(std::string_view name, int ranks);

}  // namespace loadproof::sim
