// Whether ranks that were run by themselves would have met: what members of one group do not come
// to alike.
//
// Pure. In place of the rendezvous (sim/backends/rendezvous.h) for dry runs: operation, source,
// size and name are compared, in the order of each group's collectives.
#pragma once

#include <span>
#include <vector>

#include "sim/groups.h"
#include "sim/observation.h"
#include "sim/side_by_side.h"

namespace loadproof::sim {

// The first difference of each two classes that meet in a group: a sentence each.
std::vector<MismatchObservation> disagreements(std::span<const LoggedRanks> classes,
                                               const Topology& topology, const Groups& groups);

}  // namespace loadproof::sim
