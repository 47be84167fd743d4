#include "sim/layout.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "sim/box.h"

namespace loadproof {
namespace {

constexpr std::string_view kNames[] = {"chunk", "even", "floor", "padded", "packed", "cyclic",
                                       "flat"};

// Rows of one dimension that a member holds, in the order in which it holds them; -1 is padding.
using Rows = std::vector<int64_t>;

void append(Rows& rows, int64_t begin, int64_t count, int64_t extent) {
  for (int64_t row = begin; row < std::min(extent, begin + count); ++row) rows.push_back(row);
}

Result<Rows> packed_rows(const Cut& cut, int64_t extent, const Place& place) {
  std::vector<int64_t> sections = cut.sections;
  if (sections.empty()) sections = {extent - extent / 2, extent / 2};
  const int64_t total = std::accumulate(sections.begin(), sections.end(), int64_t{0});
  if (total != extent)
    return fail(fmt::format("sections of {} rows are {}, but dimension {} has {}",
                            fmt::join(sections, " + "), total, cut.dim, extent));
  Rows rows;
  int64_t begin = 0;
  for (int64_t section : sections) {
    const Chunk chunk = chunk_of(section, place.members, place.position);
    append(rows, begin + chunk.begin, chunk.size, extent);
    begin += section;
  }
  return rows;
}

Result<Rows> rows_of(const Cut& cut, int64_t extent, const Place& place) {
  Rows rows;
  if (cut.rule == CutRule::kPacked) return packed_rows(cut, extent, place);
  if (cut.rule == CutRule::kCyclic) {
    for (int64_t row = place.position; row < extent; row += place.members) rows.push_back(row);
    return rows;
  }
  if (cut.rule == CutRule::kEven && extent % place.members != 0)
    return fail(fmt::format("dimension {} is {} and does not divide by {}", cut.dim, extent,
                            place.members));
  const int64_t multiple = std::max<int64_t>(1, cut.multiple);
  int64_t full = cut.rule == CutRule::kFloor ? extent / place.members
                                             : (extent + place.members - 1) / place.members;
  if (cut.rule == CutRule::kChunk) full = (full + multiple - 1) / multiple * multiple;
  append(rows, (cut.stride > 0 ? cut.stride : full) * place.position, full, extent);
  if (cut.rule != CutRule::kPadded) return rows;
  rows.resize(static_cast<size_t>((full + multiple - 1) / multiple * multiple), -1);
  return rows;
}

// Neighbours become one part.
void append(std::vector<Part>& parts, const Part& part) {
  if (part.count == 0) return;
  if (!parts.empty() && parts.back().piece + parts.back().count == part.piece &&
      parts.back().whole + parts.back().count == part.whole)
    parts.back().count += part.count;
  else
    parts.push_back(part);
}

// What of the tensor lies in this member's chunk of the row.
Layout flat_layout(const Cut& cut, const std::vector<int64_t>& shape, const Place& place) {
  int64_t elements = 1;
  for (int64_t extent : shape) elements *= extent;
  const int64_t total = std::max(cut.flat_total, cut.flat_begin + elements);
  const int64_t chunk = (total + place.members - 1) / place.members;
  const int64_t first = chunk * place.position - cut.flat_begin;
  const int64_t begin = std::clamp<int64_t>(first, 0, elements);
  const int64_t end = std::clamp<int64_t>(first + chunk, begin, elements);
  Layout layout{.whole_shape = shape, .shape = {end - begin}, .parts = {}};
  append(layout.parts, {0, begin, end - begin});
  return layout;
}

}  // namespace

std::string_view name(CutRule rule) { return kNames[static_cast<size_t>(rule)]; }

Result<Layout> layout_of(const Cut& cut, const std::vector<int64_t>& shape, const Place& place) {
  if (cut.rule == CutRule::kFlat) return flat_layout(cut, shape, place);
  if (cut.dim < 0 || cut.dim >= static_cast<int64_t>(shape.size()))
    return fail(fmt::format("there are {} dimensions and no dimension {}", shape.size(), cut.dim));
  const auto dim = static_cast<size_t>(cut.dim);
  const int64_t extent = shape[dim];
  if (!cut.order.empty() && static_cast<int64_t>(cut.order.size()) != extent)
    return fail(fmt::format("an order of {} rows, but dimension {} has {}", cut.order.size(),
                            cut.dim, extent));
  std::vector<int64_t> sorted = cut.order;
  std::ranges::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i))
      return fail(fmt::format("the order does not have each of the rows 0 to {} once", extent - 1));
  const Result<Rows> rows = rows_of(cut, extent, place);
  if (!rows) return tl::make_unexpected(rows.error());
  Layout layout{.whole_shape = shape, .shape = shape, .parts = {}};
  layout.shape[dim] = static_cast<int64_t>(rows->size());
  std::vector<Part> runs;  // in rows of the dimension
  for (size_t i = 0; i < rows->size(); ++i) {
    int64_t row = (*rows)[i];
    if (row < 0) continue;
    if (!cut.order.empty()) row = cut.order[static_cast<size_t>(row)];
    append(runs, {static_cast<int64_t>(i), row, 1});
  }
  int64_t outer = 1, inner = 1;
  for (size_t d = 0; d < shape.size(); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : shape[d];
  for (int64_t o = 0; o < outer; ++o)
    for (const Part& run : runs)
      append(layout.parts, {(o * layout.shape[dim] + run.piece) * inner,
                            (o * extent + run.whole) * inner, run.count * inner});
  return layout;
}

Layout compose(const Layout& outer, const Layout& inner) {
  Layout layout{.whole_shape = outer.whole_shape, .shape = inner.shape, .parts = {}};
  for (const Part& cut : inner.parts)
    for (const Part& held : outer.parts) {
      const int64_t begin = std::max(cut.whole, held.piece);
      const int64_t end = std::min(cut.whole + cut.count, held.piece + held.count);
      if (begin < end)
        append(layout.parts, {cut.piece + begin - cut.whole, held.whole + begin - held.piece,
                              end - begin});
    }
  return layout;
}

void put(StateMap& whole, const StateMap& piece, const std::vector<Part>& parts,
         int64_t item_size) {
  std::vector<StateMap::Splice> edits;
  bool in_order = true;
  for (const Part& part : parts) {
    const int64_t from = part.piece * item_size, to = part.whole * item_size;
    const int64_t bytes = part.count * item_size;
    in_order = in_order && (edits.empty() || edits.back().end <= to);
    edits.push_back({to, to + bytes, piece.cut_out(from, from + bytes)});
  }
  if (in_order) return whole.splice_all(edits);
  for (const StateMap::Splice& edit : edits) whole.splice(edit.begin, edit.end, edit.cells);
}

std::vector<Interval> pick(const StateMap& whole, const Layout& layout, int64_t item_size,
                           Cell padding) {
  std::vector<Interval> picked;
  int64_t at = 0;
  const int64_t bytes = item_size * [&] {
    int64_t count = 1;
    for (int64_t extent : layout.shape) count *= extent;
    return count;
  }();
  auto pad_to = [&](int64_t end) {
    if (at < end) picked.push_back({at, end, padding});
    at = std::max(at, end);
  };
  for (const Part& part : layout.parts) {
    const int64_t begin = part.piece * item_size, from = part.whole * item_size;
    pad_to(begin);
    for (const Interval& cell : whole.cut_out(from, from + part.count * item_size, begin))
      picked.push_back(cell);
    at = begin + part.count * item_size;
  }
  pad_to(bytes);
  return picked;
}

}  // namespace loadproof
