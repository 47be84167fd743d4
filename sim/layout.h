// How the members of a group share one tensor: which of its elements each of them holds, and where.
//
// Pure arithmetic over row-major elements, without bytes. A cut is a rule; with a place in a group
// it makes a layout. Layouts compose: a piece may be cut again, as hybrid sharding does.
//
// Sources of the rules: chunk, torch.chunk and FSDP2's Shard(dim); packed, the merged column and
// qkv loaders of inference engines; padded, kernels that want whole tiles; flat, the FlatParameter
// of FSDP1, https://pytorch.org/docs/stable/fsdp.html .
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/chunks.h"
#include "sim/result.h"
#include "sim/state.h"

namespace loadproof {

enum class CutRule : uint8_t {
  kChunk,   // pieces of ceil(extent / members), or a multiple of that, the last ones short or empty
  kEven,    // an error unless the extent divides
  kFloor,   // pieces of floor(extent / members); what is left over is in none
  kPadded,  // all pieces as long as the first; rows past the end are padding
  kPacked,  // each section of the dimension is cut by itself, a piece of each side by side
  kCyclic,  // row i belongs to member i % members
  kFlat,    // as a part of one flat row of elements, cut into equal chunks; pieces are rows
};
std::string_view name(CutRule rule);

struct Cut {
  CutRule rule = CutRule::kChunk;
  int64_t dim = 0;
  int64_t multiple = 1;           // of kPadded and kChunk: full pieces are a multiple of it
  std::vector<int64_t> sections;  // of kPacked: extents that add up; empty: two halves
  std::vector<int64_t> order;     // the dimension's rows are dealt out in this order; empty: as is
  int64_t stride = 0;             // pieces begin at position * stride; 0: where the last one ends
  int64_t flat_begin = 0;         // of kFlat: where the tensor begins in the row
  int64_t flat_total = 0;         // and how long that is; 0: the tensor is all of it
  bool operator==(const Cut&) const = default;
};

// `count` elements that are neighbours both in the piece, from `piece` on, and in the whole.
struct Part {
  int64_t piece = 0;
  int64_t whole = 0;
  int64_t count = 0;
  bool operator==(const Part&) const = default;
};

// INVARIANT: parts are in order of `piece` and do not overlap there. What no part covers is
// padding.
struct Layout {
  std::vector<int64_t> whole_shape;
  std::vector<int64_t> shape;  // of the piece
  std::vector<Part> parts;
  bool operator==(const Layout&) const = default;
};

// An error says what does not fit: the dimension, the sections, an uneven extent. A piece that
// would begin or end past the whole is short.
Result<Layout> layout_of(const Cut& cut, const std::vector<int64_t>& shape, const Place& place);

// The layout of a piece of a piece: `inner` cuts what `outer` holds.
Layout compose(const Layout& outer, const Layout& inner);

// States of the whole → of the piece, whose padding is in state `padding`; bytes.
std::vector<Interval> pick(const StateMap& whole, const Layout& layout, int64_t item_size,
                           Cell padding);
// The inverse: the states of a piece into those of the whole; padding goes nowhere.
void put(StateMap& whole, const StateMap& piece, const std::vector<Part>& parts,
         int64_t item_size);

}  // namespace loadproof
