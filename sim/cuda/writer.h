// What writes the fills into device memory. Part of libloadproof_nccl.so. TRIED with a faked CUDA;
// NEVER RUN on a device.
//
// A fill of one word is one memset of the driver, of 16 bits each, and one of a byte where the size
// is odd; kStale is copied from a block of 64 KiB per device, which torch does not know of.
#pragma once

#include <memory>

#include "sim/cuda/poisoned_allocator.h"

namespace loadproof::sim {

struct Driver;

std::unique_ptr<DeviceWriter> make_device_writer(const Driver& driver);

}  // namespace loadproof::sim
