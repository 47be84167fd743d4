// What one rank holds, as it changes: every storage, from the step that made it to the one that
// gave it back.
//
// A Rank tells its log of each change; all else follows from the changes: how much was held after
// each step and within it, the peak, and what stood there. Tensors count, the temporaries inside an
// operation do not; names that share storage count once; memory that ranks share counts on the one
// that made it. Owned by one Engine, beside the rank; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/device.h"
#include "sim/observation.h"
#include "sim/tensor_spec.h"

namespace loadproof::sim {

class MemoryLog {
 public:
  // From now on, changes belong to this step.
  void begin(int32_t step);
  // A storage that the slot is the first to name; it holds nothing yet. Returns its number.
  int add(int slot, Device device);
  void set(int storage, MemoryUse to);
  // Somebody has read what it holds.
  void read(int storage) { storages_[static_cast<size_t>(storage)].last_read = next(); }
  // The step is over.
  void end();

  const ByDevice<MemoryUse>& now() const { return now_; }
  // The most since the step began: what a tensor is replaced by stands beside it for a moment.
  const ByDevice<MemoryUse>& most() const { return most_; }

  // Bytes of the host that were written for the first time since this was last asked.
  int64_t take_touched() { return std::exchange(touched_, 0); }

  // `committed`: the kernel's count of the rank's bytes after the last step; negative: not asked.
  void note_committed(int64_t committed);

  // All of it. `specs` are those of the slots.
  MemoryObservation observe(int rank, const std::vector<TensorSpec>& specs) const;

 private:
  struct Storage {
    int slot;
    Device device;
    MemoryUse now;
    int64_t last_read = -1;  // how many changes there were before it
  };
  struct Change {
    int32_t step, storage;
    MemoryUse to;
  };
  std::vector<Storage> storages_;
  std::vector<Change> changes_;
  std::vector<MemorySample> samples_;
  int32_t step_ = -1;
  ByDevice<MemoryUse> now_, most_;
  int64_t touched_ = 0;

  int64_t next() const { return static_cast<int64_t>(changes_.size()); }
  int64_t find_peak(Device device) const;
  MemoryPeak peak_of(Device device, const std::vector<TensorSpec>& specs) const;
};

}  // namespace loadproof::sim
