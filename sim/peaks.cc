#include "sim/peaks.h"

#include <algorithm>
#include <set>

namespace loadproof::sim {

Peaks::Peaks(const Topology& topology)
    : topology_(topology),
      ranks_(static_cast<size_t>(topology.ranks())),
      most_(ranks_.size()),
      nodes_(static_cast<size_t>(topology.nodes)) {
  for (int rank = 0; rank < topology.ranks(); ++rank) peaks_.push_back({.index = rank});
  for (int node = 0; node < topology.nodes; ++node)
    peaks_.push_back({.is_node = true, .index = node});
}

Peaks::Footprint Peaks::footprint_of(const Rank& rank, const OriginTable& origins) {
  Footprint footprint{.version = rank.version()};
  std::set<int> counted;
  for (size_t i = 0; i < rank.slots().size(); ++i) {
    const Slot& slot = rank.slots()[i];
    if (!slot.held || slot.value.is_meta() || !counted.insert(slot.storage).second) continue;
    const StateMap& states = rank.storage_states(static_cast<int>(i));
    footprint.reserved += states.bytes();
    for (const Interval& interval : states.intervals()) {
      if (is_written(origins.at(interval.cell.origin)))
        footprint.resident += interval.end - interval.begin;
    }
  }
  return footprint;
}

void Peaks::replace_most(const Rank& rank, const Footprint& now) {
  Footprint& most = most_[static_cast<size_t>(rank.index())];
  Footprint& node = nodes_[static_cast<size_t>(topology_.node_of(rank.index()))];
  node.resident += now.resident - most.resident;
  node.reserved += now.reserved - most.reserved;
  most = now;
}

void Peaks::met(const Rank& rank) { replace_most(rank, ranks_[static_cast<size_t>(rank.index())]); }

void Peaks::raise(PeakObservation& peak, const Footprint& now, const Rank& rank, int32_t step) {
  peak.reserved = std::max(peak.reserved, now.reserved);
  if (now.resident <= peak.resident) return;
  peak.resident = now.resident;
  peak.step = step;
  peak.rank = rank.index();
}

void Peaks::note(const Rank& rank, const OriginTable& origins, int32_t step) {
  const auto index = static_cast<size_t>(rank.index());
  Footprint& before = ranks_[index];
  if (before.version == rank.version()) return;
  const Footprint now = footprint_of(rank, origins);
  before = now;
  const Footprint& most = most_[index];
  replace_most(rank, {.resident = std::max(most.resident, now.resident),
                      .reserved = std::max(most.reserved, now.reserved)});
  const auto node = static_cast<size_t>(topology_.node_of(rank.index()));
  raise(peaks_[index], now, rank, step);
  raise(peaks_[ranks_.size() + node], nodes_[node], rank, step);
}

}  // namespace loadproof::sim
