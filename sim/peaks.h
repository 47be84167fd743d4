// What ranks, nodes and devices hold at their peak.
//
// Ranks run one after the other between their meetings, but only here: the peak of a node or of a
// device is the most that its ranks can hold at once, each of them its most since it last met
// another. A rank's own peak is exact. Owned by one Engine.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/device.h"
#include "sim/observation.h"
#include "sim/rank_set.h"

namespace loadproof::sim {

class Peaks {
 public:
  explicit Peaks(const Topology& topology);
  // The rank has just run this step, or met in it; `within`: the most that it held then.
  void note(int rank, const ByDevice<MemoryUse>& within, int32_t step);
  // The rank has met others in a collective: what it held before is past for all of them.
  void met(int rank, const ByDevice<MemoryUse>& now) { replace_most(rank, now); }
  // By rank, then by node, then by device.
  std::vector<PeakObservation> take() { return std::move(peaks_); }

 private:
  const Topology& topology_;
  std::vector<ByDevice<MemoryUse>> most_;  // by rank: since it last met another
  std::vector<MemoryUse> nodes_;           // the sum of these
  std::vector<MemoryUse> devices_;
  std::vector<PeakObservation> peaks_;

  void replace_most(int rank, const ByDevice<MemoryUse>& now);
  static void raise(PeakObservation& peak, const MemoryUse& now, int rank, int32_t step);
};

}  // namespace loadproof::sim
