// Runs of a case with one thing changed that must not matter, held against the case's own run.
//
// Pure. Where both worlds have as many ranks, each rank's tensors are compared; else each tensor as
// the pieces of all ranks make it up.
#pragma once

#include <vector>

#include "harness/case.h"
#include "sim/observation.h"

namespace loadproof::harness {

// What the twin left otherwise at the end, by rank, then in tensor order. REQUIRES: both runs were
// made with WorldSpec::contents.
std::vector<TwinDifference> compare_twin(const Observation& seen, const Twin& twin,
                                         const Observation& other);

}  // namespace loadproof::harness
