// Whether the members of a meeting say the same, and what comes of it when they don't.
#pragma once

#include "sim/backends/rendezvous.h"

namespace loadproof::sim {

// Fills in the meeting's mismatches, aborted and moves, and its transfer when it moves, from its
// calls. Linear in the calls, but for the pieces of an all_gather, which are a square.
void compare(Meeting& meeting);

// The transfer of calls that agree; `source`: index of the one that gives or receives for all.
Transfer transfer_of(const std::vector<Call>& calls, size_t source);

}  // namespace loadproof::sim
