// One rank's page of the ledger, as the allocator writes it. Only sim/memory/ includes this; the
// rest of the program reads sim/memory/ledger.h. Accounts live as long as the process and never
// move, so that a block can point to its own. Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "sim/device.h"
#include "sim/memory/ledger.h"

namespace loadproof::sim {

class Account {
 public:
  // Which reset a charge came after; a block must give it back on release.
  using Generation = uint32_t;

  explicit Account(int rank) : rank_(rank) {}

  std::string owner() const;  // "rank 3"

  // False, and nothing is charged, if that would break the rank's limit.
  bool charge(int64_t bytes, int step, Generation& generation);
  void release(int64_t bytes, Generation generation);

  // Blocks whose committed bytes the kernel counts. `data` is page-aligned. A block is mapped from
  // its note to its dropping.
  void note_mapped(const void* data, size_t bytes, Generation generation);
  void drop_mapped(const void* data);

  LedgerReading read();
  void limit(int64_t bytes);
  void reset();
  int rank() const { return rank_; }

 private:
  const int rank_;
  std::mutex mutex_;
  LedgerReading now_;  // but for `committed`, which is counted when asked
  int64_t mapped_bytes_ = 0;
  int64_t limit_ = kNoLimit;
  Generation generation_ = 0;
  std::map<const void*, size_t> mapped_;
};

// The account and step of the calling thread's innermost RankScope.
Account& current_account(Device device = Device::kCpu);
int current_step();

}  // namespace loadproof::sim
