// Storage for verbs that write a tensor, or a part of it, where there is none.
#pragma once

#include "sim/steps/verb.h"

namespace loadproof::sim {

// A slot on meta gets storage of its shape and type, whose content nobody has written; `why` stands
// in the origin of that. Any other slot stays as it is.
void ensure_storage(StepContext& context, int slot, const char* why);

}  // namespace loadproof::sim
