// The seam to a device whose memory the host cannot read: where its bytes are, who looks at them.
//
// Tensors of a rank are torch tensors wherever they are, so that ATen computes on them, and
// at::Tensor::copy_ moves them. What ATen does not tell is behind this seam: what fresh memory
// holds, whose it is, and what is in it without a copy to the host. An accelerator lives as long as
// the process. One thread calls it. What CUDA refuses is thrown as torch throws it (c10::Error).
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/memory/device_ledger.h"
#include "sim/memory/fill.h"
#include "sim/memory/scan.h"

namespace loadproof::sim {

class Accelerator {
 public:
  virtual ~Accelerator() = default;

  // As `--device` has it.
  virtual std::string_view name() const = 0;
  // Where the tensors of a rank are. Ranks share devices where there are more of them.
  virtual at::Device device_of(int rank) const = 0;
  // What memory holds that is allocated from now on, a reused block of a cache too.
  virtual void set_fill(Fill fill) = 0;
  // Of draws on this device.
  virtual at::Generator generator(at::Device device, uint64_t seed) = 0;

  // ---- scans, of dense tensors on this device; as in sim/memory/scan.h ----
  virtual ElementCounts count(const at::Tensor& values) = 0;
  // The offset of the first byte that differs. The tensors have as many bytes, on one device.
  virtual std::optional<int64_t> first_difference(const at::Tensor& a, const at::Tensor& b) = 0;
  virtual std::vector<uint64_t> block_digests(const at::Tensor& values) = 0;
};

}  // namespace loadproof::sim
