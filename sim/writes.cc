#include "sim/writes.h"

#include <algorithm>

namespace loadproof::sim {
namespace {

void append(std::vector<WriteCounts::Stretch>& list, const WriteCounts::Stretch& stretch) {
  if (stretch.begin >= stretch.end) return;
  if (!list.empty() && list.back().writes == stretch.writes)
    list.back().end = stretch.end;
  else
    list.push_back(stretch);
}

}  // namespace

WriteCounts::WriteCounts(int64_t elements) { append(stretches_, {0, elements, 0}); }

void WriteCounts::add(int64_t begin, int64_t end) {
  std::vector<Stretch> next;
  next.reserve(stretches_.size() + 2);
  for (const Stretch& one : stretches_) {
    const int64_t from = std::clamp(begin, one.begin, one.end);
    const int64_t to = std::clamp(end, from, one.end);
    append(next, {one.begin, from, one.writes});
    append(next, {from, to, one.writes + 1});
    append(next, {to, one.end, one.writes});
  }
  stretches_ = std::move(next);
}

}  // namespace loadproof::sim
