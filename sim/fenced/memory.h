// The memory of the fenced device: bytes of this process behind addresses that nobody may touch.
//
// A block has an address in a range that is mapped without any right, so that a load or store
// through it faults as it would with a device's pointer, and its bytes lie at a fixed distance
// from there. Only who plays the device, and knows the distance, reaches them. Fresh and reused
// blocks hold the fill, freed ones kFreedWord. One such memory for the process. Thread safe.
#pragma once

#include <cstddef>

#include "sim/memory/fill.h"

namespace loadproof::sim {

inline constexpr size_t kFencedBytes = size_t{64} << 30;  // addresses; bytes cost once written

// An address aligned as CUDA's are, to 512 bytes; null where no addresses are left. 0 < bytes.
void* allocate_fenced(size_t bytes);
void free_fenced(void* address);
void set_fenced_fill(Fill fill);

// The bytes behind an address within a block, for as long as that lives; of null, null.
void* behind_fence(const void* address);

}  // namespace loadproof::sim
