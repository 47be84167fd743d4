// What stands in a tensor instead of its own elements, told from where its bytes came.
#pragma once

#include <string>
#include <string_view>

#include "sim/chain.h"
#include "sim/rank.h"

namespace loadproof::sim {

// The store that loaded bytes came from; "": the store called `file`.
std::string_view store_of(const Origin& loaded);

// REQUIRES: `seen` has elements that differ; `key` is the tensor's own in the store `file`. Sets
// kind and story where the elements that differ were loaded: from another place of the tensor, from
// another tensor, from another store.
void tell_mismatch(const Rank& rank, int slot, std::string_view key, const ChainScope& scope,
                   Comparison& seen);

}  // namespace loadproof::sim
