// Which ranks of a world do the same, so that one of them can be run for all.
//
// Ranks are alike when they run the same steps, hold the same tensors, and have pieces of the same
// extents; when they have the same part in each collective (source or not, in the group or not);
// and when keys and files that are told by rank, node or mesh place are the same. Pieces of pieces
// are taken as alike where both cuts of the whole are, and of a flat row over more than 64 members
// chunks of one length are, whatever tensors they are of. What ranks read of each other's memory or
// saved files makes no difference here.
#pragma once

#include <vector>

#include "sim/assets.h"
#include "sim/groups.h"
#include "sim/world.h"

namespace loadproof::sim {

// Ascending, each rank in one; by their first ranks, ascending.
std::vector<std::vector<int>> ranks_alike(const WorldSpec& spec, const Asset& asset,
                                          const Groups& groups);

}  // namespace loadproof::sim
