// What one rank does that costs time, and when it meets others: the raw material of a price.
//
// The steps of a rank fall into epochs, each ended by a meeting with others. Of each epoch the log
// has the work that the rank did alone, the most memory that it held, and the meeting. Owned by one
// Engine, beside the rank; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/backends/backend.h"
#include "sim/device.h"

namespace loadproof::sim {

// Bytes, but for `seconds`, which steps say by themselves.
struct Work {
  int64_t read = 0, reads = 0;  // from files; how many tensors, or pieces of them
  int64_t saved = 0;            // into files
  int64_t moved = 0;            // between host and device
  int64_t touched = 0;          // of the host's memory, written for the first time
  double seconds = 0;
  Work& operator+=(const Work& other);
};

// One call of a collective, as one member sees it.
struct Meet {
  Collective op = Collective::kBarrier;
  std::string group;  // by name; empty: a channel between two
  int index = -1;     // of the rank's own group of that name
  int from = -1, to = -1;  // of a channel: the ranks
  int root = -1;      // position of the source or the receiver in the group; -1: there is none
  int64_t bytes = 0;  // of the tensor: what is sent or held; of a scatter or gather the whole
  std::string tensor;
  bool match_bytes = false;  // nobody compares more than sizes
  int32_t step = -1;
};

struct Epoch {
  Work work;
  ByDevice<MemoryUse> most;
  ByDevice<int32_t> step_of_most{{-1, -1}};    // at which the most was resident
  ByDevice<int32_t> step_of_growth{{-1, -1}};  // that added most to it
  Meet meet;  // of the last epoch of a rank: none
};

class CostLog {
 public:
  CostLog() : epochs_(1) {}
  void work(const Work& done) { epochs_.back().work += done; }
  // What the rank held within a step.
  void held(const ByDevice<MemoryUse>& most, int32_t step);
  // It meets others; `now` is what it holds then.
  void meet(Meet with, const ByDevice<MemoryUse>& now);
  const std::vector<Epoch>& epochs() const { return epochs_; }

 private:
  std::vector<Epoch> epochs_;
  ByDevice<int64_t> growth_;  // of the step that added most in this epoch
};

}  // namespace loadproof::sim
