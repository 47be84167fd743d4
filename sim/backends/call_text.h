// Calls and ranks in words, as mismatches and wait reports print them.
#pragma once

#include <span>
#include <string>

#include "sim/backends/rendezvous.h"

namespace loadproof::sim {

// "rank 3", "ranks 0-2, 5". REQUIRES: ascending.
std::string ranks_in_words(std::span<const int> ranks);
// "in sync: broadcast of norm.weight bfloat16 [64], 128 bytes, from rank 0"
std::string call_in_words(const Call& call);

}  // namespace loadproof::sim
