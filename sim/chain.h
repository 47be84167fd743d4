// Where bytes came from, in words.
#pragma once

#include <span>
#include <string>

#include "sim/checkpoint/checkpoint.h"
#include "sim/observation.h"
#include "sim/state.h"

namespace loadproof::sim {

struct ChainScope {
  const OriginTable& origins;
  const Checkpoint* checkpoint = nullptr;  // to tell byte ranges of a file
  std::span<const StepLabel> steps;
};

// The story of `bytes` bytes that start with `cell`, nearest event first, events parted by "; ".
std::string describe_chain(const ChainScope& scope, Cell cell, int64_t bytes);

// The element of the key or tensor at the end of the chain that `cell` starts with.
int64_t source_element(const OriginTable& origins, Cell cell);

// The end of the chain through casts too: the loaded, drawn or never written origin itself.
OriginId chain_end(const OriginTable& origins, OriginId origin);

}  // namespace loadproof::sim
