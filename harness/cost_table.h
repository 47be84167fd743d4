// What a load moves and how long that takes, as a person reads it: bytes over each kind of link,
// the seconds that they take at the stated speeds, and what nodes read from files.
//
// A pure function; lines of at most 100 columns.
#pragma once

#include <string>

#include "sim/links.h"
#include "sim/observation.h"

namespace loadproof::harness {

// Empty where nothing was moved.
std::string cost_table(const CostObservation& cost, const Links& links);

}  // namespace loadproof::harness
