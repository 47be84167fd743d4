#include "harness/memory_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "harness/memory_text.h"
#include "harness/standing.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kNumber = 12;  // of a column of bytes
constexpr size_t kNameMost = 40;

// "+480 KiB"
std::string signed_bytes(int64_t bytes) {
  if (bytes == 0) return "0";
  return (bytes > 0 ? "+" : "-") + bytes_text(std::abs(bytes));
}

std::string ratio_text(int64_t here, int64_t there) {
  if (there == 0) return here == 0 ? "1" : "";
  return fmt::format("{:.3g}", static_cast<double>(here) / static_cast<double>(there));
}

// What one view says of a peak.
struct Side {
  MemoryUse most;
  std::string place;  // "at sync (broadcast, x.yaml:6)"
};

constexpr std::string_view kNothing = "holds nothing there";

Side side_of(const MemoryView& view, const MemoryObservation* group, Device device) {
  if (!group) return {{}, "has no such ranks"};
  const MemoryPeak& peak = group->peaks[device];
  const std::string label = label_text(view, peak.step);
  return {peak.most, label.empty() ? std::string(kNothing) : "at " + label};
}

Side side_of(const MemoryView& view, const std::optional<Holders>& holders) {
  if (!holders) return {{}, std::string(kNothing)};
  return {holders->most, "at " + peak_text(view, *holders)};
}

// A row of peaks, and below it the steps at which they stood.
class Rows {
 public:
  void add(std::string name, const Side& here, const Side& there) {
    width_ = std::max(width_, std::min(kNameMost, characters_of(name)));
    rows_.push_back({std::move(name), here, there});
  }

  std::string text(const Paint& paint) const {
    std::string text = fmt::format("{}{:>{}}{:>{}}{:>{}}{:>8}\n",
                                   paint.heading(fmt::format("{:{}}", "peaks", width_ + 2)), "this",
                                   kNumber, "other", kNumber, "difference", kNumber, "ratio");
    for (const Row& row : rows_) text += row_text(row);
    return text;
  }

 private:
  struct Row {
    std::string name;
    Side here, there;
  };
  std::vector<Row> rows_;
  size_t width_ = 0;

  std::string numbers(const std::string& name, int64_t here, int64_t there) const {
    return line(fmt::format("  {:{}}{:>{}}{:>{}}{:>{}}{:>8}", shortened(name, width_), width_,
                            bytes_text(here), kNumber, bytes_text(there), kNumber,
                            signed_bytes(here - there), kNumber, ratio_text(here, there)));
  }

  std::string row_text(const Row& row) const {
    const MemoryUse &ours = row.here.most, &theirs = row.there.most;
    std::string text = numbers(row.name, ours.resident, theirs.resident);
    if (ours.reserved != ours.resident || theirs.reserved != theirs.resident)
      text += numbers("  reserved", ours.reserved, theirs.reserved);
    const std::string &here = row.here.place, &there = row.there.place;
    if (here == there) return text + wrapped("both " + here, 4);
    return text + wrapped("this " + here, 4) + wrapped("other " + there, 4);
  }
};

std::string right_of(const PileDifference& pile) {
  const std::string times = pile.count == 1 ? "" : fmt::format("{} × ", pile.count);
  if (!pile.there) return times + use_text(*pile.here) + "  only in this";
  if (!pile.here) return times + use_text(*pile.there) + "  only in other";
  return fmt::format("{}{}, other {}", times, use_text(*pile.here), use_text(*pile.there));
}

std::string tensors_text(const GroupPair& pair, Device device, const Paint& paint) {
  static const MemoryPeak kNone;
  const MemoryPeak& here = pair.here ? pair.here->peaks[device] : kNone;
  const MemoryPeak& there = pair.there ? pair.there->peaks[device] : kNone;
  const std::vector<PileDifference> piles = differences_of(here.standing, there.standing);
  if (piles.empty()) return "";
  std::vector<NamedLine> lines;
  size_t more = 0;
  int64_t bytes = 0;
  for (size_t i = 0; i < piles.size(); ++i) {
    if (i < kPilesShown) {
      lines.push_back({signed_bytes(piles[i].total()), piles[i].name, right_of(piles[i])});
      continue;
    }
    more += piles[i].count;
    bytes += piles[i].total();
  }
  std::string text = "\n" + paint.heading(group_text(pair.ranks, device)) +
                     ": tensors that do not stand alike at both peaks\n" + named_lines(lines, 2);
  if (more > 0) text += fmt::format("  and {} more, {} together\n", more, signed_bytes(bytes));
  return text;
}

int64_t height_of(const MemoryObservation* group) {
  if (!group) return 0;
  return group->peaks[Device::kCpu].most.resident + group->peaks[Device::kCuda].most.resident;
}

// Index → where it is among the groups.
template <typename Group>
std::map<int, const Group*> places_of(const std::vector<Group>& groups,
                                      std::vector<int> Group::*numbers) {
  std::map<int, const Group*> places;
  for (const Group& group : groups)
    for (int number : group.*numbers) places.emplace(number, &group);
  return places;
}

template <typename Group>
std::vector<std::tuple<std::vector<int>, const Group*, const Group*>> pair_by_number(
    const std::map<int, const Group*>& here, const std::map<int, const Group*>& there) {
  std::vector<std::tuple<std::vector<int>, const Group*, const Group*>> pairs;
  std::map<int, std::pair<const Group*, const Group*>> sides;
  for (const auto& [number, group] : here) sides[number].first = group;
  for (const auto& [number, group] : there) sides[number].second = group;
  std::map<std::pair<const Group*, const Group*>, size_t> places;
  for (const auto& [number, side] : sides) {
    const auto [found, is_new] = places.emplace(side, pairs.size());
    if (is_new) pairs.emplace_back(std::vector<int>{}, side.first, side.second);
    std::get<0>(pairs[found->second]).push_back(number);
  }
  return pairs;
}

// Those of the indices, which are ascending.
std::optional<Holders> only(const Holders* all, const std::vector<int>& indices) {
  if (!all) return std::nullopt;
  Holders some{all->holder, indices, all->most, all->step, {}};
  size_t next = 0;
  for (size_t i = 0; i < all->indices.size() && next < indices.size(); ++i) {
    if (all->indices[i] != indices[next]) continue;
    some.ranks.push_back(all->ranks[i]);
    ++next;
  }
  return some;
}

}  // namespace

std::vector<GroupPair> pair_groups(const MemoryView& here, const MemoryView& there) {
  std::vector<GroupPair> pairs;
  for (auto& [ranks, ours, theirs] :
       pair_by_number(places_of(here.groups, &MemoryObservation::ranks),
                      places_of(there.groups, &MemoryObservation::ranks)))
    pairs.push_back({std::move(ranks), ours, theirs});
  return pairs;
}

std::vector<HoldersPair> pair_holders(const MemoryView& here, const MemoryView& there) {
  std::vector<HoldersPair> pairs;
  for (auto holder : {PeakObservation::Holder::kNode, PeakObservation::Holder::kDevice}) {
    std::map<int, const Holders*> ours, theirs;
    for (auto [view, places] : {std::pair(&here, &ours), std::pair(&there, &theirs)})
      for (const Holders& one : view->holders)
        if (one.holder == holder)
          for (int index : one.indices) places->emplace(index, &one);
    for (auto& [indices, our, their] : pair_by_number(ours, theirs))
      pairs.push_back({only(our, indices), only(their, indices)});
  }
  return pairs;
}

std::vector<int64_t> heights_of(const std::vector<GroupPair>& pairs) {
  std::vector<int64_t> heights;
  for (const GroupPair& pair : pairs)
    heights.push_back(std::max(height_of(pair.here), height_of(pair.there)));
  return heights;
}

std::vector<int64_t> heights_of(const std::vector<HoldersPair>& pairs) {
  std::vector<int64_t> heights;
  for (const HoldersPair& pair : pairs)
    heights.push_back(std::max(pair.here ? pair.here->most.resident : 0,
                               pair.there ? pair.there->most.resident : 0));
  return heights;
}

std::string memory_difference(const MemoryView& here, const MemoryView& there, bool colour) {
  const Paint paint{colour};
  std::string text = paint.heading("this") + "   " + here.id + "\n" + endings_text(here, paint) +
                     paint.heading("other") + "  " + there.id + "\n" + endings_text(there, paint) +
                     "\n";
  const std::vector<GroupPair> groups = pair_groups(here, there);
  const std::vector<HoldersPair> holders = pair_holders(here, there);
  Rows rows;
  std::string tensors;
  const std::vector<size_t> shown = highest(heights_of(groups), kGroupsShown);
  for (Device device : {Device::kCpu, Device::kCuda})
    for (size_t i : shown) {
      const GroupPair& pair = groups[i];
      if (!(pair.here && is_used(*pair.here, device)) &&
          !(pair.there && is_used(*pair.there, device)))
        continue;
      rows.add(group_text(pair.ranks, device), side_of(here, pair.here, device),
               side_of(there, pair.there, device));
      tensors += tensors_text(pair, device, paint);
    }
  for (size_t i : highest(heights_of(holders), kHoldersShown))
    rows.add(holders_text(holders[i].any()), side_of(here, holders[i].here),
             side_of(there, holders[i].there));
  text += rows.text(paint);
  if (shown.size() < groups.size())
    text += fmt::format(
        "  and {} more that held less\n",
        count_text(static_cast<int64_t>(groups.size() - shown.size()), "group of ranks"));
  return text + tensors;
}

}  // namespace loadproof::harness
