// The allocator of every CPU byte that torch asks for: fresh memory holds the fill, freed memory
// kFreedWord, and the ledger (sim/memory/ledger.h) knows whose it is.
//
// Blocks below 4 MiB come from a pool and are filled at once; larger ones are mapped to the fill
// copy-on-write and cost no RAM until they are written. Memory is aligned to 64 bytes. When the
// kernel, or the rank's limit, allows no more, allocation throws c10::OutOfMemoryError with a
// sentence that says who asked for how much: c10 knows no other way. Every function may be called
// by any thread.
//
// Use after free: a pool block holds kFreedWord until it is handed out again; a large one for as
// long as the bounded quarantine keeps its addresses, after which a use faults.
#pragma once

#include <cstdint>

#include "sim/memory/fill.h"
#include "sim/memory/ledger.h"

namespace loadproof::sim {

// Makes it c10's CPU allocator, for good. Call it before the process makes its first tensor: a
// block of the allocator before it may come to this one's deleter, which aborts. Further calls do
// nothing. The allocator is one object for the process, since c10 has one CPU allocator.
void install_poison_allocator();

// The largest block that the kernel's limit on mappings (vm.max_map_count) allows. Thread safe.
int64_t poisoned_bytes_most();

// What memory allocated from now on holds, on all threads; kNan at first.
void set_fill(Fill fill);
Fill current_fill();

// While it lives, what this thread allocates is not filled and holds anything: for a buffer that is
// wholly written at once, such as the target of a read. Thread-local as c10's interface has no
// argument for it. Scopes nest.
class WithoutPoison {
 public:
  WithoutPoison();
  ~WithoutPoison();
  WithoutPoison(const WithoutPoison&) = delete;
  WithoutPoison& operator=(const WithoutPoison&) = delete;

 private:
  bool before_;
};

// While it lives, what this thread allocates has a size and no bytes: a tensor whose data is a null
// pointer, which the ledger counts as any other. For worlds that are run on shapes alone; whoever
// would read or write such a tensor must ask has_bytes() (sim/torch_types.h) first. Scopes nest.
class WithoutBytes {
 public:
  // `without`: false brings the bytes back, within another scope.
  explicit WithoutBytes(bool without = true);
  ~WithoutBytes();
  WithoutBytes(const WithoutBytes&) = delete;
  WithoutBytes& operator=(const WithoutBytes&) = delete;

 private:
  bool before_;
};

}  // namespace loadproof::sim
