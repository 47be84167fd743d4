#include "sim/state.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "sim/check.h"

namespace loadproof {
namespace {

constexpr std::string_view kNames[kStateKinds] = {
    "meta", "undefined", "placeholder", "random", "computed",
    "loaded", "received", "derived", "tainted"};

// Two neighbours are one when the second's cell is the first's, moved on by the first's length.
bool continues(const Interval& first, const Interval& second) {
  if (first.cell.origin != second.cell.origin) return false;
  return first.cell.offset + (first.end - first.begin) == second.cell.offset;
}

void append(std::vector<Interval>& list, const Interval& interval) {
  if (interval.begin == interval.end) return;
  if (!list.empty() && continues(list.back(), interval))
    list.back().end = interval.end;
  else
    list.push_back(interval);
}

Interval clipped(const Interval& interval, int64_t begin, int64_t end) {
  Interval piece = interval;
  piece.begin = std::max(interval.begin, begin);
  piece.end = std::min(interval.end, end);
  piece.cell.offset += piece.begin - interval.begin;
  return piece;
}

}  // namespace

std::string_view name(StateKind kind) { return kNames[static_cast<size_t>(kind)]; }

Result<StateKind> state_named(std::string_view text) {
  for (int i = 0; i < kStateKinds; ++i)
    if (kNames[i] == text) return static_cast<StateKind>(i);
  return fail(fmt::format("no state is called '{}'; there are {}", text, fmt::join(kNames, ", ")));
}

OriginId OriginTable::add(Origin origin) {
  auto key = std::make_tuple(origin.kind, origin.rank, origin.step, origin.parent, origin.item_size,
                             origin.what, origin.file);
  auto [entry, is_new] = index_.emplace(std::move(key), static_cast<OriginId>(origins_.size()));
  if (!is_new) return entry->second;
  StateKind root = origin.kind;
  if (origin.kind == StateKind::kReceived && origin.parent != kNoOrigin)
    root = root_kind(origin.parent);
  // What nobody wrote stays so through a file.
  if (origin.kind == StateKind::kLoaded && origin.parent != kNoOrigin &&
      must_not_reach_sampling(root_kind(origin.parent)))
    root = root_kind(origin.parent);
  origins_.push_back(std::move(origin));
  roots_.push_back(root);
  return entry->second;
}

OriginId OriginTable::root(OriginId id) const {
  while (at(id).kind == StateKind::kReceived && at(id).parent != kNoOrigin) id = at(id).parent;
  return id;
}

StateMap::StateMap(int64_t bytes, Cell cell) : bytes_(bytes) {
  append(intervals_, {0, bytes, cell});
}

void StateMap::write(int64_t begin, int64_t end, Cell cell) {
  splice(begin, end, {{0, end - begin, cell}});
}

void StateMap::splice(int64_t begin, int64_t end, const std::vector<Interval>& cells) {
  SIM_CHECK(0 <= begin && begin <= end && end <= bytes_, "[{}, {}) of {} bytes", begin, end,
            bytes_);
  if (begin == end) return;
  // Only what is touched is made anew, with the neighbours, which may continue it.
  const auto first = std::partition_point(intervals_.begin(), intervals_.end(),
                                          [&](const Interval& i) { return i.end < begin; });
  const auto last = std::partition_point(first, intervals_.end(),
                                         [&](const Interval& i) { return i.begin <= end; });
  std::vector<Interval> middle;
  for (auto it = first; it != last && it->begin < begin; ++it)
    append(middle, clipped(*it, 0, begin));
  for (const Interval& cell : cells)
    append(middle, {begin + cell.begin, begin + cell.end, cell.cell});
  for (auto it = first; it != last; ++it)
    if (it->end > end) append(middle, clipped(*it, end, bytes_));
  const auto kept = std::min(last - first, static_cast<std::ptrdiff_t>(middle.size()));
  std::copy_n(middle.begin(), kept, first);
  const auto rest = first + kept;
  if (rest != last)
    intervals_.erase(rest, last);
  else
    intervals_.insert(rest, middle.begin() + kept, middle.end());
}

void StateMap::splice_all(std::span<const Splice> edits) {
  std::vector<Interval> next;
  next.reserve(intervals_.size() + edits.size());
  auto it = intervals_.begin();
  int64_t at = 0;  // what is before has been carried over
  auto carry_to = [&](int64_t end) {
    for (; it != intervals_.end() && it->begin < end; ++it) {
      if (it->end > at) append(next, clipped(*it, at, end));
      if (it->end > end) break;
    }
  };
  for (const Splice& edit : edits) {
    SIM_CHECK(at <= edit.begin && edit.begin <= edit.end && edit.end <= bytes_,
              "[{}, {}) after {} of {} bytes", edit.begin, edit.end, at, bytes_);
    carry_to(edit.begin);
    for (const Interval& cell : edit.cells)
      append(next, {edit.begin + cell.begin, edit.begin + cell.end, cell.cell});
    at = edit.end;
  }
  carry_to(bytes_);
  intervals_ = std::move(next);
}

std::vector<Interval> StateMap::read(int64_t begin, int64_t end) const {
  SIM_CHECK(0 <= begin && begin <= end && end <= bytes_, "[{}, {}) of {} bytes", begin, end,
            bytes_);
  std::vector<Interval> found;
  auto first = std::partition_point(intervals_.begin(), intervals_.end(),
                                    [&](const Interval& i) { return i.end <= begin; });
  for (auto it = first; it != intervals_.end() && it->begin < end; ++it)
    append(found, clipped(*it, begin, end));
  return found;
}

std::vector<Interval> StateMap::cut_out(int64_t begin, int64_t end, int64_t at) const {
  std::vector<Interval> moved = read(begin, end);
  for (Interval& interval : moved) {
    interval.begin += at - begin;
    interval.end += at - begin;
  }
  return moved;
}

}  // namespace loadproof
