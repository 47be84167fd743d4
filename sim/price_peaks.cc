// Peaks of ranks, nodes and devices, from the logs of ranks that do the same.
#include <algorithm>
#include <map>

#include "sim/price.h"

namespace loadproof::sim {
namespace {

using Holder = PeakObservation::Holder;

// The peak of a holder whose ranks are of these classes.
PeakObservation peak_of(const std::vector<std::vector<Epoch>>& epochs, const Composition& ranks,
                        Device device, std::span<const LoggedRanks> classes) {
  PeakObservation peak;
  for (size_t e = 0; !ranks.empty() && e < epochs[ranks[0]].size(); ++e) {
    MemoryUse now;
    std::map<size_t, int64_t> shares;  // by class
    for (size_t one : ranks) {
      now += epochs[one][e].most[device];
      shares[one] += epochs[one][e].most[device].resident;
    }
    if (now.resident <= peak.resident && now.reserved <= peak.reserved) continue;
    const size_t largest =
        std::ranges::max_element(shares, {}, [](const auto& share) { return share.second; })->first;
    const int32_t step = epochs[largest][e].step_of_most[device];
    const int32_t grown = epochs[largest][e].step_of_growth[device];
    const int rank = classes[largest].ranks.front();
    peak.reserved = std::max(peak.reserved, now.reserved);
    if (now.resident > peak.resident) {
      peak.resident = now.resident;
      peak.step = step;
      peak.rank = rank;
    }
    if (peak.rises.empty() || peak.rises.back().step != grown)
      peak.rises.push_back({.step = grown, .rank = rank, .to = {}});
    peak.rises.back().to = {peak.resident, peak.reserved};
  }
  return peak;
}

}  // namespace

std::vector<PeakObservation> peaks_of(std::span<const LoggedRanks> classes,
                                      const Topology& topology) {
  const auto epochs = epochs_of(classes);
  const auto by_rank = class_by_rank(classes, topology);
  std::vector<PeakObservation> peaks;
  auto add = [&](Holder holder, Device device, int holders, auto holder_of) {
    const size_t first = peaks.size();
    for (const auto& [ranks, alike] : compositions(by_rank, holders, holder_of)) {
      PeakObservation peak = peak_of(epochs, ranks, device, classes);
      peak.holder = holder;
      peak.index = alike.front();
      peak.alike = alike;
      peaks.push_back(std::move(peak));
    }
    std::sort(peaks.begin() + static_cast<std::ptrdiff_t>(first), peaks.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
  };
  add(Holder::kRank, Device::kCpu, topology.ranks(), [](int rank) { return rank; });
  add(Holder::kNode, Device::kCpu, topology.nodes,
      [&](int rank) { return topology.node_of(rank); });
  add(Holder::kDevice, Device::kCuda, topology.devices(),
      [&](int rank) { return topology.device_of(rank); });
  return peaks;
}

}  // namespace loadproof::sim
