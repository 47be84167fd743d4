// What piece of a tensor a slot holds, and how it came to be: the cuts, the last of which a gather
// undoes.
//
// A value. Made by cut_again(); a slot without one holds the whole tensor.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/layout.h"

namespace loadproof::sim {

struct Shard {
  // One cut, and what it was done to.
  struct Level {
    Cut cut;
    std::string group;                // whose members share the pieces
    std::vector<int64_t> shape;       // of what was cut
    std::optional<Layout> layout;     // of that in the whole tensor; nothing: it was the whole
  };
  Layout layout;              // of the piece in the whole tensor
  std::vector<Level> levels;  // the outermost first; at least one
};

// Cuts what a slot of `shape` holds once more. Errors are those of layout_of().
Result<Shard> cut_again(const std::optional<Shard>& held, const std::vector<int64_t>& shape,
                        const Cut& cut, const std::string& group, const Place& place);

// The same cuts of a tensor of `shape`, for a rank that has these places in their groups, without
// the one of index `left_out`; nothing is left out where there is no such. nullopt: no cut is left.
// REQUIRES: a place for each level.
Result<std::optional<Shard>> cut_anew(const Shard& shard, const std::vector<int64_t>& shape,
                                      std::span<const Place> places, size_t left_out);

// What is left when the last cut is undone; nothing: the whole tensor.
std::optional<Shard> without_last_cut(const Shard& shard);

}  // namespace loadproof::sim
