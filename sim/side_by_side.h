// Ranks that do the same set side by side: what sums over nodes, devices and groups are made from.
//
// Pure. A class is a set of ranks with one log; a composition tells of which classes the ranks of a
// node or a device are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "sim/cost_log.h"
#include "sim/rank_set.h"

namespace loadproof::sim {

// Ranks that do the same, and what that is.
struct LoggedRanks {
  std::vector<int> ranks;
  CostLog log;
};

// Indices of classes, ascending, one for each rank.
using Composition = std::vector<size_t>;

// By rank: the index of its class.
std::vector<size_t> class_by_rank(std::span<const LoggedRanks> classes, const Topology& topology);

// Holders by what their ranks are: those with equal compositions are alike.
template <typename HolderOf>
std::map<Composition, std::vector<int>> compositions(const std::vector<size_t>& by_rank,
                                                     int holders, HolderOf holder_of) {
  std::vector<Composition> all(static_cast<size_t>(holders));
  for (size_t rank = 0; rank < by_rank.size(); ++rank)
    all[static_cast<size_t>(holder_of(static_cast<int>(rank)))].push_back(by_rank[rank]);
  std::map<Composition, std::vector<int>> alike;
  for (size_t holder = 0; holder < all.size(); ++holder) {
    std::ranges::sort(all[holder]);
    alike[all[holder]].push_back(static_cast<int>(holder));
  }
  return alike;
}

// Whether all meet others as often, so that what happens between two meetings can be set side by
// side.
bool are_in_step(std::span<const LoggedRanks> classes);

// All of a rank's epochs as one: the most that it ever holds, all that it does.
Epoch summed(const CostLog& log);

// By class, then by epoch; of ranks that are not in step, all epochs of each as one.
std::vector<std::vector<Epoch>> epochs_of(std::span<const LoggedRanks> classes);

}  // namespace loadproof::sim
