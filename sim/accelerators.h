// The table of devices that ranks' tensors can be on, and the look at what is in a tensor,
// wherever it is. For .cc files of sim/ only. One thread, as all of the world.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/accelerator.h"
#include "sim/device_names.h"
#include "sim/memory/scan.h"
#include "sim/result.h"

namespace loadproof::sim {

// nullptr: the host. An unknown name, or what this machine lacks, is an error.
Result<Accelerator*> open_accelerator(std::string_view device);

// ---- wherever the tensor is; it is dense, and not on meta ----

ElementCounts count_elements(const at::Tensor& values);
// Of tensors of as many bytes, on one device.
bool same_bytes(const at::Tensor& a, const at::Tensor& b);
// As digest() in sim/memory/scan.h has it, the same wherever the tensor is. REQUIRES: contiguous.
uint64_t digest_of(const at::Tensor& values, uint64_t seed);
// Whether a look at such a tensor is worth a digest: it is on a device, and large.
bool digests_in_place(const at::Tensor& values);
// Itself where it is on the host, or on meta; else a copy there.
at::Tensor on_host(const at::Tensor& tensor);
// Those that are on the host go to the device on which others are; of a model, some of whose
// weights wait in the host's memory.
void bring_together(std::vector<at::Tensor>& tensors);
// A generator of draws where the tensor is; torch.manual_seed's algorithm.
at::Generator generator_for(const at::Tensor& tensor, uint64_t seed);

}  // namespace loadproof::sim
