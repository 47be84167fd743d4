// The device's side of one member's part in one transfer. Part of libloadproof_nccl.so; it is for
// .cc files only, as it speaks of CUDA tensors. TRIED with the CPU as the device; NEVER RUN on one.
//
// A tensor that is on its member's device is handed to NCCL as it is, unless its piece must be
// padded. What a member gives from elsewhere is copied to its device before any member calls NCCL,
// and what arrives is copied back after all are done: so that a lack of device memory keeps nobody
// waiting.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "sim/backends/backend.h"
#include "sim/result.h"

namespace loadproof::sim {

// NCCL takes only pieces of one size: all are as long as the longest, and the rest is padding.
struct Staged {
  at::Device device = at::Device(at::kCPU);
  std::vector<at::Tensor> in;   // as NCCL is given them
  std::vector<at::Tensor> out;  // as NCCL fills them
};

// Throws what torch throws: no memory.
Staged stage(const Transfer& transfer, size_t member, at::Device device);
// Copies what arrived, as many bytes as the giver has, to the member's tensors, unless it arrived
// there.
void unstage(const Transfer& transfer, size_t member, const Staged& staged);

// The index of the device of a global rank.
using DeviceOfRank = std::function<int(int rank)>;

// An error where a member's tensor is on a device that is not the member's.
Result<void> check_devices(const Transfer& transfer, const DeviceOfRank& device_of);

}  // namespace loadproof::sim
