// The question of what GPUs there are. Part of libloadproof_nccl.so.
#pragma once

#include "sim/backends/cuda_machine.h"

namespace loadproof::sim {

// NEVER RUN with a device: only the answer that there is none has been seen.
CudaMachine look_at_devices();

}  // namespace loadproof::sim
