#include "harness/standing.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "harness/fold_names.h"

namespace loadproof::harness {
namespace {

// Names of equal things are folded; what those are is told by kind.
template <typename Key>
class Kinds {
 public:
  void add(const std::string& name, const Key& key) {
    const auto [found, is_new] = numbers_.emplace(key, keys_.size());
    if (is_new) keys_.push_back(key);
    names_.push_back({name, found->second});
  }
  std::vector<FoldedName> fold() const { return fold_names(names_); }
  const Key& operator[](size_t kind) const { return keys_[kind]; }

 private:
  std::vector<NameToFold> names_;
  std::vector<Key> keys_;
  std::map<Key, size_t> numbers_;
};

using Bytes = std::pair<int64_t, int64_t>;
Bytes bytes_of(const MemoryUse& use) { return {use.resident, use.reserved}; }
MemoryUse use_of(const Bytes& bytes) { return {bytes.first, bytes.second}; }

// By name: a tensor and what replaces it are of one.
using Sums = std::map<std::string, MemoryUse>;
Sums sums_of(const std::vector<Standing>& standing) {
  Sums sums;
  for (const Standing& one : standing) sums[one.tensor] += one.bytes;
  return sums;
}

std::optional<Bytes> bytes_in(const Sums& sums, const std::string& name) {
  const auto found = sums.find(name);
  if (found == sums.end()) return std::nullopt;
  return bytes_of(found->second);
}

std::optional<MemoryUse> use_of(const std::optional<Bytes>& bytes) {
  if (!bytes) return std::nullopt;
  return use_of(*bytes);
}

}  // namespace

std::vector<Pile> piles_of(const std::vector<Standing>& standing) {
  Kinds<std::tuple<Bytes, bool>> kinds;
  for (const Standing& one : standing) kinds.add(one.tensor, {bytes_of(one.bytes), one.needed});
  std::vector<Pile> piles;
  for (FoldedName& folded : kinds.fold()) {
    const auto& [bytes, needed] = kinds[folded.kind];
    piles.push_back({std::move(folded.name), folded.count, use_of(bytes), needed});
  }
  std::ranges::stable_sort(piles, std::ranges::greater(),
                           [](const Pile& pile) { return bytes_of(pile.all()); });
  return piles;
}

std::vector<PileDifference> differences_of(const std::vector<Standing>& here,
                                           const std::vector<Standing>& there) {
  using Key = std::pair<std::optional<Bytes>, std::optional<Bytes>>;
  const Sums ours = sums_of(here), theirs = sums_of(there);
  Kinds<Key> kinds;
  auto add = [&](const std::string& name) {
    const Key key(bytes_in(ours, name), bytes_in(theirs, name));
    if (key.first != key.second) kinds.add(name, key);
  };
  for (const auto& [name, bytes] : ours) add(name);
  for (const auto& [name, bytes] : theirs)
    if (!ours.contains(name)) add(name);
  std::vector<PileDifference> piles;
  for (FoldedName& folded : kinds.fold()) {
    const auto& [ours_of, theirs_of] = kinds[folded.kind];
    piles.push_back({std::move(folded.name), folded.count, use_of(ours_of), use_of(theirs_of)});
  }
  std::ranges::stable_sort(piles, std::ranges::greater(),
                           [](const PileDifference& pile) { return std::abs(pile.total()); });
  return piles;
}

}  // namespace loadproof::harness
