// The device's side of one member's part in one transfer. Part of libloadproof_nccl.so; it is for
// .cc files only, as it speaks of CUDA tensors. NEVER RUN on a device.
//
// The ranks' tensors are in the host's memory (sim/backends/backend.h). What a member gives is
// copied to its device before any member calls NCCL, and what arrives is copied back after all are
// done: so that a lack of device memory keeps nobody waiting.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "sim/backends/backend.h"

namespace loadproof::sim {

// NCCL takes only pieces of one size: all are as long as the longest, and the rest is padding.
struct Staged {
  at::Device device = at::Device(at::kCPU);
  std::vector<at::Tensor> in;   // as NCCL is given them
  std::vector<at::Tensor> out;  // as NCCL fills them
};

// Throws what torch throws: no memory.
Staged stage(const Transfer& transfer, size_t member);
// Copies what arrived, as many bytes as the giver has, to the member's tensors.
void unstage(const Transfer& transfer, size_t member, const Staged& staged);

}  // namespace loadproof::sim
