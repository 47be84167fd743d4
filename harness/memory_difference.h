// What two cases held, side by side: peaks of ranks, nodes and devices, and the tensors that make
// the difference.
//
// A pure function; lines as of memory_table.h. The first case is "this", the second "other"; ranks,
// nodes and devices are compared by their numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/memory_view.h"

namespace loadproof::harness {

std::string memory_difference(const MemoryView& here, const MemoryView& there, bool colour = false);

// Ranks that are of one group in each view; nullptr: that view has no such ranks.
struct GroupPair {
  std::vector<int> ranks;
  const MemoryObservation* here = nullptr;
  const MemoryObservation* there = nullptr;
};
// By the first rank of each.
std::vector<GroupPair> pair_groups(const MemoryView& here, const MemoryView& there);

// The same of nodes and devices; nothing: they hold nothing there.
struct HoldersPair {
  std::optional<Holders> here, there;  // of the same indices
  const Holders& any() const { return here ? *here : *there; }
};
std::vector<HoldersPair> pair_holders(const MemoryView& here, const MemoryView& there);

// Bytes by which pairs are shown before others: the greater of both peaks.
std::vector<int64_t> heights_of(const std::vector<GroupPair>& pairs);
std::vector<int64_t> heights_of(const std::vector<HoldersPair>& pairs);

}  // namespace loadproof::harness
