// A device that every machine has: tensors whose bytes the host cannot reach, as on a GPU.
//
// It is torch's PrivateUse1 device. Every operation on its tensors copies them to the host,
// computes there and copies back; numbers differ from the CPU's only where torch, or a model's
// forward pass, takes another way on devices than on the CPU. What it is for: code that reads a
// device's memory as if it were the host's dies on it at once, on a machine without a GPU.
#pragma once

#include "sim/accelerator.h"

namespace loadproof::sim {

// The process's one; the first call teaches torch the device, for good.
Accelerator& fenced_accelerator();

}  // namespace loadproof::sim
