// A world on shapes alone: what a load holds, moves and takes, at any size.
//
// Of ranks that do the same (sim/alike.h) one is run, by itself; what all hold and move follows
// (sim/price.h). Time and memory grow with the number of kinds of ranks, not with that of ranks.
#pragma once

#include "sim/assets.h"
#include "sim/observation.h"
#include "sim/result.h"
#include "sim/world.h"

namespace loadproof::sim {

// REQUIRES: spec.dry, and an asset that is dry. Observation::ranks are those that were run, one of
// each kind.
Result<Observation> run_dry(const WorldSpec& spec, const Asset& asset);

}  // namespace loadproof::sim
