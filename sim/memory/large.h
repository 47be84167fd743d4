// Blocks above the pool's, poisoned lazily: one page-cached file of the fill is mapped
// copy-on-write over the block again and again, so that every byte reads as the fill and a page
// costs RAM only once it is written.
//
// A freed block keeps its addresses for a while, mapped to the freed pattern in the same way, so
// that a use after free reads that pattern. The quarantine is bounded (kQuarantineBlocks,
// kQuarantineBytes, addresses only); what leaves it is unmapped, and a use of it faults. Only
// sim/memory/ includes this. Thread safe.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "sim/memory/block.h"
#include "sim/memory/fill.h"

namespace loadproof::sim {

class LargeBlocks {
 public:
  static constexpr size_t kQuarantineBlocks = 64;
  static constexpr size_t kQuarantineBytes = size_t{16} << 30;

  // How many bytes the kernel's limit on mappings allows at all.
  static size_t bytes_most();

  // Data is page-aligned. Without a fill the block is plain memory of the kernel. Null, with errno
  // set, if the kernel maps no more: address space, memory, or mappings (65,530 by default, which
  // is about 1 TiB of lazy poison).
  Block* take(size_t bytes, std::optional<Fill> fill);
  void give(Block& block);

 private:
  struct Range {
    std::byte* begin;
    size_t bytes;
  };

  bool cover(Range range, size_t pattern);  // with a fill's pattern or kFreedPattern
  int file_of(size_t pattern);
  bool evict(size_t blocks_kept, size_t bytes_kept);

  static constexpr size_t kFreedPattern = kFillCount;

  std::mutex mutex_;  // of all below
  std::array<int, kFillCount + 1> files_ = {-1, -1, -1, -1, -1, -1, -1};
  std::deque<Range> quarantine_;  // oldest first
  size_t quarantined_ = 0;        // bytes
};

}  // namespace loadproof::sim
