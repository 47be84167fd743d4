// A declared tensor on one line, as explain shows it.
#pragma once

#include <string>

#include "harness/case.h"

namespace loadproof::harness {

// "w  param float32 [8, 2], from file, shard {dim: 0, over: tp}, ranks: pp 0": what the scenario
// leaves out is left out.
std::string tensor_text(const ExtraTensor& tensor);

}  // namespace loadproof::harness
