// The ledger's page of device memory: what the allocator of a device asks before it hands out a
// block, and tells when it has one back. A class of its own since libraries that are opened at run
// time call it. Thread safe.
#pragma once

#include <cstddef>
#include <string>

namespace loadproof::sim {

class DeviceLedger {
 public:
  virtual ~DeviceLedger() = default;
  // To the rank that the calling thread works for (RankScope in sim/memory/ledger.h). "", or why it
  // may have no more: the text of the error that the allocator raises.
  virtual std::string charge(const void* block, size_t bytes) = 0;
  virtual void release(const void* block) = 0;  // of a block that was charged
};

// The process's own. It is read as the ledger of the host's memory is: read_ledger().
DeviceLedger& device_ledger();

}  // namespace loadproof::sim
