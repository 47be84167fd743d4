// The accelerator that is CUDA's devices (sim/accelerator.h). Part of libloadproof_nccl.so. TRIED
// with a faked CUDA (tests/sim/cuda/fake_cuda.cc); NEVER RUN on a device.
#pragma once

#include "sim/accelerator.h"
#include "sim/result.h"

namespace loadproof::sim {

// Makes it, once, and poisons the memory of all devices for good; a second call gives the same. An
// error where there is no device, or what it needs is missing; then nothing is changed.
Result<Accelerator*> make_cuda_accelerator(DeviceLedger& ledger);

}  // namespace loadproof::sim
