// What the logs of all ranks come to: peaks of nodes and devices, traffic, and an estimate of time.
//
// Pure. Ranks that do the same share a log. Where all ranks meet as often, what they do between two
// meetings is taken to happen at once; else only what each does by itself is known, and peaks are
// sums of the most that each ever holds. Rings carry what ranks give each other, in the order of
// the group: a broadcast of N bytes is N a hop; an all-gather of N bytes (n-1)/n N and an
// all-reduce twice that, on each hop of the ring. Pieces of a scatter or gather go straight.
// Source of the formulas: https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md .
#pragma once

#include <span>
#include <vector>

#include "sim/groups.h"
#include "sim/links.h"
#include "sim/observation.h"
#include "sim/side_by_side.h"

namespace loadproof::sim {

// By rank, then by node, then by device; of those that hold as much the first stands for all.
std::vector<PeakObservation> peaks_of(std::span<const LoggedRanks> classes,
                                      const Topology& topology);

CostObservation price(std::span<const LoggedRanks> classes, const Topology& topology,
                      const Groups& groups, const Links& links);

}  // namespace loadproof::sim
