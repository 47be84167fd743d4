// The seam through which bytes move between ranks, and nothing else does.
//
// A backend is handed collectives whose members have all arrived and whose descriptions the
// rendezvous has already found to agree (or has been told to let pass). It owns no tensor and keeps
// none after run() returns. The world calls it from one thread; a backend may use threads of its own
// inside run(), and has none of them writing when run() returns.
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

enum class Collective : uint8_t { kBroadcast, kScatter, kGather, kAllGather, kAllReduce, kBarrier, kSend };
enum class Reduction : uint8_t { kSum, kMax, kMin };

std::string_view name(Collective op);

// One member's part. Tensors are dense (contiguous) CPU tensors that stay alive during run().
// `in`: what the member gives; `out`: where it receives. Per operation:
//   kBroadcast  in = the source's tensor (others: undefined)   out[0] = every other member's tensor
//   kScatter    source: in.size() = members, in[i] for i       out[0] on every member
//   kGather     in[0] on every member                          source: out.size() = members
//   kAllGather  in[0] on every member                          out.size() = members, on every member
//   kAllReduce  in[0] = out[0], in place
//   kBarrier    none
//   kSend       members[0] gives in[0], members[1] receives out[0]
// Sizes may differ between members of a gather (uneven shards, empty ones included).
struct Member {
  int rank = 0;  // global rank
  std::vector<at::Tensor> in;
  std::vector<at::Tensor> out;
};

struct Transfer {
  Collective op = Collective::kBarrier;
  int source = 0;  // index into members, where the operation has a source or a destination
  Reduction reduction = Reduction::kSum;
  std::vector<Member> members;  // in the group's order
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  // Moves the bytes of all transfers; they are independent and in program order of every member.
  // The order of their completion is not seen by anyone. An error is one of the transport itself.
  virtual Result<void> run(std::span<const Transfer> transfers) = 0;
};

struct BackendInfo {
  std::string_view name;
  std::string_view about;
  // Makes a backend for a world of `ranks` ranks; may hand out one that an earlier world gave back.
  Result<std::unique_ptr<Backend>> (*make)(int ranks);
};

std::span<const BackendInfo> backends();  // the table: one row a backend
Result<std::unique_ptr<Backend>> make_backend(std::string_view name, int ranks);

}  // namespace loadproof::sim
