// The ledger: how much memory each rank holds, held at most, and at which step.
//
// Kept by the allocator of sim/memory/poison.h for every block of the host's memory that it hands
// out, and by an accelerator's (sim/memory/device_ledger.h) for the memory of its devices. A block belongs to the
// rank in whose RankScope it was allocated, whichever thread frees it. Sizes are the bytes that
// were asked for, so that they do not depend on the allocator's rounding. Every function may be
// called by any thread. Ranks are global ranks; kUnattributed collects what no scope claimed, such
// as what a transport's own threads allocate.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/device.h"

namespace loadproof::sim {

inline constexpr int kUnattributed = -1;
inline constexpr int kNoStep = -1;
inline constexpr int64_t kNoLimit = INT64_MAX;

// `committed`: bytes for which the kernel keeps a page of RAM or swap of this rank's own. It is
// counted for blocks that are poisoned lazily, in whole pages; smaller blocks count wholly, and so
// does all memory of devices.
struct LedgerReading {
  int64_t reserved = 0;        // bytes in live blocks
  int64_t reserved_peak = 0;   // the most that ever was
  int peak_step = kNoStep;     // the step at which it first was that much
  int64_t committed = 0;       // as of this reading
  int64_t committed_peak = 0;  // the most of all readings and samples
  int64_t allocations = 0;     // blocks handed out, freed ones included
  bool operator==(const LedgerReading&) const = default;
};

class Account;

// Blocks that this thread allocates while the scope lives belong to `rank`, at `step`. Scopes nest.
// Which rank a thread works for is a thread-local, because c10's allocator interface passes nothing
// but a size.
class RankScope {
 public:
  explicit RankScope(int rank, int step = kNoStep);
  ~RankScope();
  RankScope(const RankScope&) = delete;
  RankScope& operator=(const RankScope&) = delete;

 private:
  Account* before_;
  int step_before_;
};

// The step of this thread's innermost scope from now on.
void set_step(int step);

LedgerReading read_ledger(int rank, Device device = Device::kCpu);

// Notes the committed bytes of a rank, for committed_peak. Costs the kernel's walk over the rank's
// large blocks: about 1 ms for each GiB that was written.
void sample_ledger(int rank);

// An allocation that would take the rank's reserved bytes above `bytes` fails as if the machine had
// no more memory.
void limit_rank(int rank, int64_t bytes, Device device = Device::kCpu);

// A mapping that did not come from the allocator, such as a file's, counts on the rank of this
// thread's innermost scope for as long as the object lives: all of it as reserved, and the pages
// that were written as committed. `data` is any byte of its first page; it stays mapped meanwhile.
class CountedMapping {
 public:
  CountedMapping(const void* data, size_t bytes);
  ~CountedMapping();
  CountedMapping(const CountedMapping&) = delete;
  CountedMapping& operator=(const CountedMapping&) = delete;

 private:
  Account& account_;
  const void* first_;  // page
  size_t bytes_;       // from there on
  uint32_t generation_ = 0;
  bool charged_ = false;  // not where the rank's limit allows no more: it is mapped all the same
};

// Starts all accounts afresh, without limits. Blocks that are still alive are no longer counted, so
// that what one case left behind does not show in the next. No rank may be allocating meanwhile.
void reset_ledger();

}  // namespace loadproof::sim
