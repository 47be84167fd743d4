// The allocator of device memory: what sim/memory/poison.h is for the host, around the allocator
// that torch has for CUDA. Fresh blocks hold the fill, those too that come from torch's cache;
// freed ones kFreedWord; the ledger knows whose they are. Part of libloadproof_nccl.so.
//
// It forwards everything. A block's DataPtr keeps its pointer and its context, which is the
// pointer; only the deleter is ours, as raw_deleter() says, so that raw_deallocate(), copy on write
// and resizing work as they do without it. record_stream() hands torch's allocator a DataPtr with
// the deleter that it compares with its own.
//
// Fills go onto the stream that a block is allocated on, after everything that used the block
// before and before everything that will. A freed block that was ever given to record_stream() is
// left as it is: other streams may still read it. Within the capture of a CUDA graph the fills
// become part of the graph. Blocks that torch allocated before it was installed are torch's alone.
// TRIED over an allocator of the test's, and over torch's own with a faked CUDA; NEVER RUN on a
// device.
#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <memory>

#include "sim/accelerator.h"
#include "sim/memory/fill.h"

struct CUstream_st;  // cudaStream_t points to one

namespace c10::cuda::CUDACachingAllocator {
class CUDAAllocator;
}

namespace loadproof::sim {

// Where a block is, and the stream on which it is used first.
struct StreamPlace {
  c10::DeviceIndex device = 0;
  CUstream_st* stream = nullptr;
};

// What the allocator asks of CUDA. From any thread.
class DeviceWriter {
 public:
  virtual ~DeviceWriter() = default;
  // Of the calling thread: its device, and that one's current stream.
  virtual StreamPlace here() = 0;
  // Both only start the writing. The first throws what torch throws.
  virtual void fill(StreamPlace place, void* data, size_t bytes, Fill fill) = 0;
  // Never fails: at the end of the process CUDA may be gone before the last tensors.
  virtual void fill_freed(StreamPlace place, void* data, size_t bytes) noexcept = 0;
};

class PoisonedDeviceMemory {
 public:
  virtual ~PoisonedDeviceMemory() = default;
  virtual c10::cuda::CUDACachingAllocator::CUDAAllocator& allocator() = 0;
  virtual void set_fill(Fill fill) = 0;  // kNan at first
};

// All three outlive it. Where the ledger refuses, allocating throws c10::OutOfMemoryError with what
// the ledger says. One at a time: a deleter knows nothing but the block.
std::unique_ptr<PoisonedDeviceMemory> poison_device_memory(
    c10::cuda::CUDACachingAllocator::CUDAAllocator& torchs, DeviceWriter& writer,
    DeviceLedger& ledger);

}  // namespace loadproof::sim
