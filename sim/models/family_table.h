// The rows of the family table, each defined in the file of its name. For family.cc and those
// files.
#pragma once

#include "sim/models/family.h"

namespace loadproof::sim {

extern const Family kQwen2, kQwen3, kLlama, kMistral, kGemma2, kGemma3, kGpt2, kMixtral, kQwen2Moe;

}  // namespace loadproof::sim
