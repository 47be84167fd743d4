// What an `observe` or a `sample` step records of a rank: every tensor, with its bytes counted, its
// states told and the model directory's own value held against it.
#pragma once

#include <string>

#include "sim/assets.h"
#include "sim/chain.h"
#include "sim/observation.h"
#include "sim/rank.h"

namespace loadproof::sim {

std::vector<TensorObservation> observe_tensors(const Rank& rank, const Asset& asset,
                                               const ChainScope& scope);

}  // namespace loadproof::sim
