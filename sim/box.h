// Boxes of row-major tensors: the arithmetic behind shards, gathers and fused checkpoint weights.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/state.h"

namespace loadproof {

// Rows [begin[d], begin[d] + size[d]) of each dimension of a row-major tensor of `shape`.
struct Box {
  std::vector<int64_t> begin;
  std::vector<int64_t> size;
  int64_t elements() const;
  bool operator==(const Box&) const = default;
};

Box whole(const std::vector<int64_t>& shape);
Box rows(const std::vector<int64_t>& shape, int64_t dim, int64_t begin, int64_t count);

// A stretch of elements that are neighbours in the tensor.
struct Run {
  int64_t begin = 0;
  int64_t count = 0;
  bool operator==(const Run&) const = default;
};

// The box as runs in row-major order, as few as there can be. REQUIRES: the box lies in the shape.
std::vector<Run> runs_of(const std::vector<int64_t>& shape, const Box& box);

// The states of a box, one after the other, as intervals of a dense copy of it; bytes.
std::vector<Interval> read_box(const StateMap& states, const std::vector<int64_t>& shape,
                               const Box& box, int64_t item_size);
// The inverse: `cells` are the states of a dense copy of the box.
void write_box(StateMap& states, const std::vector<int64_t>& shape, const Box& box,
               int64_t item_size, const std::vector<Interval>& cells);

}  // namespace loadproof
