// One transfer handed to Gloo: what each member's process group is called with. It includes c10d's
// headers, so it is for .cc files only.
//
// Gloo ends the whole process when sizes or types do not fit, so it is only ever given bytes, all
// of one size within a transfer; only an all_reduce has a type. Functions throw what c10d throws.
#pragma once

#include <deque>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <vector>

#include "sim/backends/backend.h"
#include "sim/backends/gloo_world.h"

namespace loadproof::sim {

using Works = std::vector<c10::intrusive_ptr<c10d::Work>>;

// Memory between the tensors of ranks and Gloo. It stays until the transfers that use it are over;
// what arrived in it is then copied out. Its buffers are no tensors of ATen's, because no rank
// allocated them.
class Staging {
 public:
  // A view of all bytes of a tensor, or of `length` bytes of which the first are the tensor's.
  at::Tensor giving(const at::Tensor& tensor, size_t length);
  // A view of `length` bytes, of which the first `bytes` end in `tensor`, whose own tail stays.
  at::Tensor receiving(const at::Tensor& tensor, size_t bytes, size_t length);
  // A buffer of so many bytes, and a promise to copy a part of one out.
  std::byte* buffer(size_t length) { return buffers_.emplace_back(length).data(); }
  void later(const std::byte* from, const at::Tensor& to, size_t bytes);
  void copy_out() const;

 private:
  struct Arrival {
    const std::byte* from;
    void* to;
    size_t bytes;
  };
  std::deque<std::vector<std::byte>> buffers_;
  std::vector<Arrival> arrivals_;
};

// Starts a transfer that moves something on all its members that the group has here.
void post(const Transfer& transfer, GlooGroup& group, Staging& staging, Works& works);

// Starts broadcasts of one source to the same members as one broadcast of all their bytes.
// REQUIRES: the group has them all here.
void post_together(const std::vector<const Transfer*>& broadcasts, GlooGroup& group,
                   Staging& staging, Works& works);

}  // namespace loadproof::sim
