#include "sim/side_by_side.h"

namespace loadproof::sim {

std::vector<size_t> class_by_rank(std::span<const LoggedRanks> classes, const Topology& topology) {
  std::vector<size_t> by_rank(static_cast<size_t>(topology.ranks()));
  for (size_t i = 0; i < classes.size(); ++i)
    for (int rank : classes[i].ranks) by_rank[static_cast<size_t>(rank)] = i;
  return by_rank;
}

bool are_in_step(std::span<const LoggedRanks> classes) {
  return std::ranges::all_of(classes, [&](const LoggedRanks& one) {
    return one.log.epochs().size() == classes.front().log.epochs().size();
  });
}

Epoch summed(const CostLog& log) {
  Epoch all;
  for (const Epoch& epoch : log.epochs()) {
    all.work += epoch.work;
    for (Device device : {Device::kCpu, Device::kCuda}) {
      MemoryUse& most = all.most[device];
      if (epoch.most[device].resident > most.resident) {
        all.step_of_most[device] = epoch.step_of_most[device];
        all.step_of_growth[device] = epoch.step_of_growth[device];
      }
      most.raise_to(epoch.most[device]);
    }
  }
  return all;
}

std::vector<std::vector<Epoch>> epochs_of(std::span<const LoggedRanks> classes) {
  const bool in_step = are_in_step(classes);
  std::vector<std::vector<Epoch>> epochs;
  for (const LoggedRanks& one : classes)
    epochs.push_back(in_step ? one.log.epochs() : std::vector{summed(one.log)});
  return epochs;
}

}  // namespace loadproof::sim
