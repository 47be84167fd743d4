// What ranks and nodes hold at their peak, counted from what is known of every byte.
//
// Resident is what has been written: a page that nobody touched costs nothing, and neither do zeros
// that the kernel gives lazily. Reserved is all storage that some name still has. Tensors count,
// the temporaries inside an operation do not; names that share storage count once.
//
// Ranks run one after the other between their meetings, but only here: a node's peak is the most
// that its ranks can hold at once, each of them its most since it last met another. A rank's own
// peak is exact. Owned by one Engine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/observation.h"
#include "sim/rank.h"

namespace loadproof::sim {

class Peaks {
 public:
  explicit Peaks(const Topology& topology);
  // The rank has just run this step, or met in it.
  void note(const Rank& rank, const OriginTable& origins, int32_t step);
  // The rank has met others in a collective: what it held before is past for all of them.
  void met(const Rank& rank);
  // By rank, and then by node.
  std::vector<PeakObservation> take() { return std::move(peaks_); }

 private:
  struct Footprint {
    int64_t resident = 0, reserved = 0;
    int64_t version = -1;  // of the rank when it was counted
  };
  const Topology& topology_;
  std::vector<Footprint> ranks_;
  std::vector<Footprint> most_;   // by rank: since it last met another
  std::vector<Footprint> nodes_;  // the sum of these
  std::vector<PeakObservation> peaks_;

  static Footprint footprint_of(const Rank& rank, const OriginTable& origins);
  void replace_most(const Rank& rank, const Footprint& now);
  void raise(PeakObservation& peak, const Footprint& now, const Rank& rank, int32_t step);
};

}  // namespace loadproof::sim
