// What an `observe` or a `sample` step records of a rank: every tensor, with its bytes counted, its
// states told and the values that it should have held against it.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "sim/assets.h"
#include "sim/chain.h"
#include "sim/observation.h"
#include "sim/rank.h"

namespace loadproof::sim {

// `declared`: by slot, the value that the case's `source` gives, undefined where it gives none;
// empty: the case has no source.
std::vector<TensorObservation> observe_tensors(const Rank& rank, const Asset& asset,
                                               std::span<const at::Tensor> declared,
                                               const ChainScope& scope);

// Sets TensorObservation::content of what observe_tensors() gave for this rank.
void add_contents(const Rank& rank, std::vector<TensorObservation>& seen);

// Adds how often the rank's tensors were written. REQUIRES: it counts writes.
void add_writes(const Rank& rank, const OriginTable& origins,
                std::vector<WritesObservation>& writes);

}  // namespace loadproof::sim
