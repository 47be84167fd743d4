// The header that stands in the 64 bytes before every block's data.
//
// The deleter gets a bare data pointer (c10 wants data and context to be equal), so what it must
// know stands beside the data. Only sim/memory/ includes this.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/check.h"
#include "sim/memory/account.h"

namespace loadproof::sim {

struct alignas(64) Block {
  static constexpr uint64_t kLive = 0x6c6f61646c697665, kFreed = 0x6c6f616466726565;

  uint64_t mark = kLive;
  size_t bytes = 0;  // as asked for
  Account* account = nullptr;
  Block* next = nullptr;  // in its pool's list while it is free
  Account::Generation generation = 0;
  uint32_t size_class = 0;
  bool large = false;

  void* data() { return this + 1; }

  static Block& of(void* data) {
    Block& block = *(static_cast<Block*>(data) - 1);
    SIM_CHECK(block.mark == kLive,
              "memory at {} is freed that is not a live block of this allocator: freed twice, "
              "overrun by its neighbour, or allocated before the allocator was installed",
              data);
    return block;
  }
};

static_assert(sizeof(Block) == 64);

}  // namespace loadproof::sim
