#include "sim/box.h"

#include <algorithm>

#include "sim/check.h"

namespace loadproof {

int64_t Box::elements() const {
  int64_t count = 1;
  for (int64_t extent : size) count *= extent;
  return count;
}

Box whole(const std::vector<int64_t>& shape) {
  return {std::vector<int64_t>(shape.size(), 0), shape};
}

Box rows(const std::vector<int64_t>& shape, int64_t dim, int64_t begin, int64_t count) {
  Box box = whole(shape);
  box.begin[static_cast<size_t>(dim)] = begin;
  box.size[static_cast<size_t>(dim)] = count;
  return box;
}

std::vector<Run> runs_of(const std::vector<int64_t>& shape, const Box& box) {
  SIM_CHECK(shape.size() == box.size.size(), "a box of {} dimensions in a tensor of {}",
            box.size.size(), shape.size());
  if (box.elements() == 0) return {};
  // Dimensions behind `split` are covered whole, so that a run spans them and the box's extent of
  // `split` itself.
  size_t split = shape.size();
  int64_t run = 1;
  while (split > 0) {
    --split;
    run *= box.size[split];
    if (box.size[split] != shape[split]) break;
  }
  std::vector<Run> runs;
  std::vector<int64_t> at(split, 0);
  while (true) {
    int64_t position = 0;
    for (size_t d = 0; d < shape.size(); ++d)
      position = position * shape[d] + box.begin[d] + (d < split ? at[d] : 0);
    runs.push_back({position, run});
    size_t d = split;
    while (d > 0 && ++at[d - 1] == box.size[d - 1]) at[--d] = 0;
    if (d == 0) return runs;
  }
}

std::vector<Interval> read_box(const StateMap& states, const std::vector<int64_t>& shape,
                               const Box& box, int64_t item_size) {
  std::vector<Interval> cells;
  int64_t position = 0;
  for (const Run& run : runs_of(shape, box)) {
    const int64_t begin = run.begin * item_size;
    for (const Interval& cell :
         states.cut_out(begin, begin + run.count * item_size, position))
      cells.push_back(cell);
    position += run.count * item_size;
  }
  return cells;
}

void write_box(StateMap& states, const std::vector<int64_t>& shape, const Box& box,
               int64_t item_size, const std::vector<Interval>& cells) {
  int64_t position = 0;
  size_t next = 0;
  std::vector<StateMap::Splice> edits;  // runs are in order
  for (const Run& run : runs_of(shape, box)) {
    const int64_t length = run.count * item_size;
    std::vector<Interval> part;
    for (size_t i = next; i < cells.size() && cells[i].begin < position + length; ++i) {
      Interval cell = cells[i];
      const int64_t begin = std::max(cell.begin, position);
      cell.cell.offset += begin - cell.begin;
      part.push_back(
          {begin - position, std::min(cell.end, position + length) - position, cell.cell});
      if (cell.end <= position + length) next = i + 1;
    }
    edits.push_back({run.begin * item_size, run.begin * item_size + length, std::move(part)});
    position += length;
  }
  states.splice_all(edits);
}

}  // namespace loadproof
