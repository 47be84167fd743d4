// What ranks learn of each other at the rendezvous, and beside it, as an observation tells it.
//
// Pure.
#pragma once

#include <vector>

#include "sim/backends/rendezvous.h"
#include "sim/observation.h"

namespace loadproof::sim {

MismatchObservation observation_of(const Mismatch& mismatch);
WaitObservation observation_of(const Waiting& waiting);

// The same that is known already gains a rank. REQUIRES: `seen` has one.
void add_vacuous(std::vector<VacuousObservation>& known, VacuousObservation seen);

}  // namespace loadproof::sim
