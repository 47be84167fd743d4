#include "sim/peaks.h"

#include <algorithm>

namespace loadproof::sim {

using Holder = PeakObservation::Holder;

Peaks::Peaks(const Topology& topology)
    : topology_(topology),
      most_(static_cast<size_t>(topology.ranks())),
      nodes_(static_cast<size_t>(topology.nodes)),
      devices_(static_cast<size_t>(topology.devices())) {
  for (size_t i = 0; i < most_.size(); ++i)
    peaks_.push_back({.holder = Holder::kRank, .index = static_cast<int>(i)});
  for (size_t i = 0; i < nodes_.size(); ++i)
    peaks_.push_back({.holder = Holder::kNode, .index = static_cast<int>(i)});
  for (size_t i = 0; i < devices_.size(); ++i)
    peaks_.push_back({.holder = Holder::kDevice, .index = static_cast<int>(i)});
}

void Peaks::replace_most(int rank, const ByDevice<MemoryUse>& now) {
  ByDevice<MemoryUse>& most = most_[static_cast<size_t>(rank)];
  MemoryUse& node = nodes_[static_cast<size_t>(topology_.node_of(rank))];
  MemoryUse& device = devices_[static_cast<size_t>(topology_.device_of(rank))];
  node -= most[Device::kCpu];
  node += now[Device::kCpu];
  device -= most[Device::kCuda];
  device += now[Device::kCuda];
  most = now;
}

void Peaks::raise(PeakObservation& peak, const MemoryUse& now, int rank, int32_t step) {
  if (now.resident <= peak.resident && now.reserved <= peak.reserved) return;
  peak.reserved = std::max(peak.reserved, now.reserved);
  if (peak.rises.empty() || peak.rises.back().step != step)
    peak.rises.push_back({.step = step, .rank = rank, .to = {}});
  peak.rises.back().to = {std::max(now.resident, peak.resident), peak.reserved};
  if (now.resident <= peak.resident) return;
  peak.resident = now.resident;
  peak.step = step;
  peak.rank = rank;
}

void Peaks::note(int rank, const ByDevice<MemoryUse>& within, int32_t step) {
  ByDevice<MemoryUse> most = most_[static_cast<size_t>(rank)];
  for (Device device : {Device::kCpu, Device::kCuda}) most[device].raise_to(within[device]);
  replace_most(rank, most);
  const size_t node = most_.size() + static_cast<size_t>(topology_.node_of(rank));
  const size_t device =
      most_.size() + nodes_.size() + static_cast<size_t>(topology_.device_of(rank));
  raise(peaks_[static_cast<size_t>(rank)], within[Device::kCpu], rank, step);
  raise(peaks_[node], nodes_[static_cast<size_t>(topology_.node_of(rank))], rank, step);
  raise(peaks_[device], devices_[static_cast<size_t>(topology_.device_of(rank))], rank, step);
}

}  // namespace loadproof::sim
