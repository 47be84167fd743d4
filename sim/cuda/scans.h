// The scans of tensors on devices, without a copy to the host (sim/cuda/scan_kernels.inc). Part of
// libloadproof_nccl.so. TRIED with a faked CUDA; NEVER RUN on a device.
//
// A scan goes onto the current stream of the tensor's device and waits for its answer. One thread
// calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/memory/scan.h"
#include "sim/result.h"

namespace loadproof::sim {

struct Driver;

class DeviceScans {
 public:
  virtual ~DeviceScans() = default;
  virtual ElementCounts count(const at::Tensor& values) = 0;
  virtual std::optional<int64_t> first_difference(const at::Tensor& a, const at::Tensor& b) = 0;
  // Of the last block, where it is shorter, the bytes go to the host.
  virtual std::vector<uint64_t> block_digests(const at::Tensor& values) = 0;
};

// Compiles the kernels for each kind of device that is here, which takes half a second a kind. An
// error where NVRTC is missing or a device is too old for them.
Result<std::unique_ptr<DeviceScans>> make_device_scans(const Driver& driver, int devices);

}  // namespace loadproof::sim
