#include "sim/mismatch.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <vector>

#include "sim/torch_types.h"

namespace loadproof::sim {
namespace {

constexpr size_t kToldMax = 8;

// One stretch of elements that was loaded: where it should stand, and what stands there.
struct Stretch {
  int64_t own = 0;      // element of the whole tensor
  int64_t source = 0;   // element of the key
  int64_t count = 0;
  const Origin* loaded = nullptr;
};

std::vector<Stretch> loaded_stretches(const Rank& rank, int slot, const ChainScope& scope) {
  const Slot& held = rank.slot(slot);
  const auto item = static_cast<int64_t>(held.value.element_size());
  std::vector<Stretch> stretches;
  const std::vector<Part> all{{0, 0, held.value.numel()}};
  for (const Part& part : held.shard ? held.shard->layout.parts : all)
    for (const Interval& cell :
         rank.states(slot).read(part.piece * item, (part.piece + part.count) * item)) {
      const Origin& end = scope.origins.at(chain_end(scope.origins, cell.cell.origin));
      if (end.kind != StateKind::kLoaded) continue;
      stretches.push_back({part.whole + cell.begin / item - part.piece,
                           source_element(scope.origins, cell.cell), (cell.end - cell.begin) / item,
                           &end});
    }
  return stretches;
}

// The first elements of the key in the order in which they stand.
std::string order_text(const std::vector<Stretch>& stretches) {
  std::vector<int64_t> elements;
  for (const Stretch& one : stretches)
    for (int64_t i = 0; i < one.count && elements.size() <= kToldMax; ++i)
      elements.push_back(one.source + i);
  const bool more = elements.size() > kToldMax;
  if (more) elements.pop_back();
  return fmt::format("[{}{}]", fmt::join(elements, ", "), more ? ", …" : "");
}

void tell_place(const std::vector<Stretch>& stretches, Comparison& seen) {
  std::set<int64_t> shifts;
  for (const Stretch& one : stretches) shifts.insert(one.source - one.own);
  if (shifts.size() == 1) {
    seen.kind = "shift";
    seen.story = fmt::format("its own elements, {} further {} the tensor",
                             std::abs(*shifts.begin()), *shifts.begin() > 0 ? "on in" : "back in");
    return;
  }
  seen.kind = "permutation";
  seen.story = fmt::format("its own elements in the order {}", order_text(stretches));
}

}  // namespace

std::string_view store_of(const Origin& loaded) {
  const size_t slash = loaded.file.find('/');
  return slash == std::string::npos ? std::string_view()
                                    : std::string_view(loaded.file).substr(0, slash);
}

void tell_mismatch(const Rank& rank, int slot, std::string_view key, const ChainScope& scope,
                   Comparison& seen) {
  const std::vector<Stretch> stretches = loaded_stretches(rank, slot, scope);
  if (stretches.empty()) return;
  for (const Stretch& one : stretches) {
    if (!store_of(*one.loaded).empty()) {
      seen.kind = "other_store";
      seen.story = fmt::format("what store {} has for {}", store_of(*one.loaded), one.loaded->what);
      return;
    }
    if (one.loaded->what == key) continue;
    seen.kind = "other_tensor";
    seen.story = fmt::format("elements of {} from {} on", one.loaded->what, one.source);
    return;
  }
  const bool in_place = std::ranges::all_of(
      stretches, [](const Stretch& one) { return one.source == one.own; });
  if (!in_place) tell_place(stretches, seen);
}

}  // namespace loadproof::sim
