// What ranks and nodes hold at their peak, counted from what is known of every byte.
//
// Resident is what has been written: a page that nobody touched costs nothing, and neither do zeros
// that the kernel gives lazily. Reserved is all storage that some name still has. Tensors count,
// the temporaries inside an operation do not; names that share storage count once. Owned by one
// Engine.
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
  // By rank, and then by node.
  std::vector<PeakObservation> take() { return std::move(peaks_); }

 private:
  struct Footprint {
    int64_t resident = 0, reserved = 0;
    int64_t version = -1;  // of the rank when it was counted
  };
  const Topology& topology_;
  std::vector<Footprint> ranks_, nodes_;
  std::vector<PeakObservation> peaks_;

  static Footprint footprint_of(const Rank& rank, const OriginTable& origins);
  void raise(PeakObservation& peak, const Footprint& now, const Rank& rank, int32_t step);
};

// What a footprint calls the zeros that nobody has touched.
inline constexpr std::string_view kLazyZeros = "alloc as zeros_lazy";

}  // namespace loadproof::sim
