// Blocks below kLargeFrom bytes, from size classes. A freed block stays in its class, whole but for
// its header, until the next allocation of that class takes it: last freed, first reused, since
// that one is in the cache. The pool gives nothing back to the kernel; it is as large as its
// busiest moment. Only sim/memory/ includes this. Thread safe; one lock a class.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "sim/memory/block.h"

namespace loadproof::sim {

inline constexpr size_t kLargeFrom = size_t{4} << 20;

// Classes: every 64 bytes to 512, then four to each doubling.
constexpr uint32_t size_class_of(size_t bytes) {
  constexpr size_t kLinear = 512;
  if (bytes <= kLinear) return static_cast<uint32_t>((bytes + 63) / 64) - 1;
  const auto log = static_cast<uint32_t>(63 - __builtin_clzll(bytes - 1));  // 9 or more
  const auto quarter = static_cast<uint32_t>((bytes - 1) >> (log - 2)) & 3u;
  return 8 + (log - 9) * 4 + quarter;
}

// The bytes of the largest block of a class.
constexpr size_t class_bytes(uint32_t size_class) {
  if (size_class < 8) return (size_class + size_t{1}) * 64;
  const uint32_t log = 9 + (size_class - 8) / 4;
  return (size_t{1} << log) + ((size_class - 8) % 4 + size_t{1}) * (size_t{1} << (log - 2));
}

inline constexpr size_t kClassCount = size_class_of(kLargeFrom) + 1;

class Pool {
 public:
  // REQUIRES: 0 < bytes <= kLargeFrom. The block's data is aligned to 64 bytes and holds what was
  // there before. Null if the kernel has no more memory.
  Block* take(size_t bytes);
  void give(Block& block);

 private:
  Block* carve(uint32_t size_class);

  struct alignas(64) Class {
    std::mutex mutex;
    Block* free = nullptr;
  };

  std::array<Class, kClassCount> classes_;
  std::mutex carving_;
  std::byte* fresh_ = nullptr;  // the unused rest of the newest segment
  size_t fresh_bytes_ = 0;
};

}  // namespace loadproof::sim
