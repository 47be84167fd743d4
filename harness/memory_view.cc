#include "harness/memory_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

constexpr size_t kFileLeast = 5;   // characters
constexpr size_t kRanksNamed = 2;  // of those that ran the step of a peak

// Equal for those that are_alike.
class Mix {
 public:
  void operator()(int64_t value) {
    hash_ = (hash_ ^ static_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15u;
    hash_ ^= hash_ >> 29;
  }
  void operator()(const MemoryUse& use) {
    (*this)(use.resident);
    (*this)(use.reserved);
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 7;
};

uint64_t hash_of(const MemoryObservation& seen) {
  Mix mix;
  for (const MemorySample& sample : seen.samples) {
    mix(sample.step);
    for (Device device : {Device::kCpu, Device::kCuda}) {
      mix(sample.most[device]);
      mix(sample.after[device]);
    }
  }
  for (Device device : {Device::kCpu, Device::kCuda}) {
    const MemoryPeak& peak = seen.peaks[device];
    mix(peak.step);
    mix(static_cast<int64_t>(peak.standing.size()));
  }
  return mix.hash();
}

bool are_alike(const MemoryObservation& a, const MemoryObservation& b) {
  return a.peaks == b.peaks &&
         std::ranges::equal(a.samples, b.samples, [](const auto& one, const auto& other) {
           return one.step == other.step && one.most == other.most && one.after == other.after;
         });
}

void join(MemoryObservation& group, const MemoryObservation& with) {
  group.ranks.insert(group.ranks.end(), with.ranks.begin(), with.ranks.end());
  for (size_t i = 0; i < group.samples.size(); ++i)
    group.samples[i].committed = std::max(group.samples[i].committed, with.samples[i].committed);
}

std::vector<MemoryObservation> groups_of(const std::vector<MemoryObservation>& memory) {
  std::vector<MemoryObservation> groups;
  std::unordered_map<uint64_t, std::vector<size_t>> by_hash;
  for (const MemoryObservation& one : memory) {
    std::vector<size_t>& alike = by_hash[hash_of(one)];
    const auto found =
        std::ranges::find_if(alike, [&](size_t i) { return are_alike(groups[i], one); });
    if (found != alike.end()) {
      join(groups[*found], one);
      continue;
    }
    alike.push_back(groups.size());
    groups.push_back(one);
  }
  for (MemoryObservation& group : groups) std::ranges::sort(group.ranks);
  return groups;
}

// Indices ascend, and ranks go with them.
void sort(Holders& holders) {
  std::vector<std::pair<int, int>> both;
  for (size_t i = 0; i < holders.indices.size(); ++i)
    both.emplace_back(holders.indices[i], holders.ranks[i]);
  std::ranges::sort(both);
  for (size_t i = 0; i < both.size(); ++i) std::tie(holders.indices[i], holders.ranks[i]) = both[i];
}

std::vector<Holders> holders_of(const std::vector<PeakObservation>& peaks) {
  using Key = std::tuple<PeakObservation::Holder, int64_t, int64_t, int32_t>;
  std::vector<Holders> all;
  std::map<Key, size_t> places;
  for (const PeakObservation& peak : peaks) {
    if (peak.holder == PeakObservation::Holder::kRank || peak.reserved == 0) continue;
    // Where nothing ever is resident, the peak is that of what is reserved.
    const bool untouched = peak.resident == 0 && !peak.rises.empty();
    const int32_t step = untouched ? peak.rises.back().step : peak.step;
    const auto [found, is_new] =
        places.emplace(Key{peak.holder, peak.resident, peak.reserved, step}, all.size());
    if (is_new) all.push_back({peak.holder, {}, {peak.resident, peak.reserved}, step, {}});
    Holders& holders = all[found->second];
    holders.indices.push_back(peak.index);
    holders.ranks.push_back(untouched ? peak.rises.back().rank : peak.rank);
    for (int index : peak.alike) {
      if (index == peak.index) continue;
      holders.indices.push_back(index);
      holders.ranks.push_back(-1);
    }
  }
  std::ranges::for_each(all, sort);
  return all;
}

std::string label_of(const std::vector<StepLabel>& steps, int32_t step) {
  if (step < 0 || static_cast<size_t>(step) >= steps.size()) return "";
  const StepLabel& label = steps[static_cast<size_t>(step)];
  return fmt::format("{} ({}, {}:{})", label.id, label.verb, label.file, label.line);
}

std::string_view words_for(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFinished:
      return "";
    case Outcome::kRaised:
      return "raised";
    case Outcome::kDiedSampling:
      return "died sampling";
    case Outcome::kBlocked:
      return "waits for ever";
    case Outcome::kAborted:
      return "was aborted";
  }
  return "";
}

// Of a dry run one rank is observed for all that are like it.
std::vector<Ending> endings_of(const std::vector<StepLabel>& steps, const Observation& seen) {
  std::map<int, const std::vector<int>*> alike;  // by the first of them
  for (const MemoryObservation& one : seen.memory)
    if (one.ranks.size() > 1) alike.emplace(one.ranks[0], &one.ranks);
  std::vector<Ending> endings;
  std::map<std::string, size_t> places;
  for (const RankObservation& rank : seen.ranks) {
    if (rank.outcome == Outcome::kFinished) continue;
    std::string text(words_for(rank.outcome));
    if (const std::string at = label_of(steps, rank.stopped_at); !at.empty())
      text += " at step " + at;
    if (!rank.error.empty()) text += ": " + rank.error;
    const auto [found, is_new] = places.emplace(text, endings.size());
    if (is_new) endings.push_back({{}, text});
    std::vector<int>& ranks = endings[found->second].ranks;
    const auto like = alike.find(rank.rank);
    if (like == alike.end())
      ranks.push_back(rank.rank);
    else
      ranks.insert(ranks.end(), like->second->begin(), like->second->end());
  }
  for (Ending& ending : endings) std::ranges::sort(ending.ranks);
  return endings;
}

}  // namespace

MemoryView memory_view(const Case& plan, const Observation& seen) {
  MemoryView view{.id = plan.id,
                  .steps = seen.steps,
                  .groups = groups_of(seen.memory),
                  .holders = holders_of(seen.peaks),
                  .endings = {},
                  .cost = {},
                  .links = plan.links};
  if (!seen.cost.empty()) view.cost = seen.cost.front();
  for (StepLabel& step : view.steps) step.file.erase(0, step.file.rfind('/') + 1);
  view.endings = endings_of(view.steps, seen);
  return view;
}

std::vector<StepRow> step_rows(const MemoryObservation& seen, Device device) {
  std::map<int32_t, StepRow> rows;
  MemoryUse before;
  for (const MemorySample& sample : seen.samples) {
    const MemoryUse& most = sample.most[device];
    const MemoryUse& after = sample.after[device];
    if (most == before && after == before) continue;
    before = after;
    StepRow& row = rows.try_emplace(sample.step, StepRow{.step = sample.step}).first->second;
    ++row.turns;
    row.after = after;
    row.most.raise_to(most);
    row.committed = std::max(row.committed, sample.committed);
  }
  std::vector<StepRow> list;
  for (const auto& [step, row] : rows) list.push_back(row);
  return list;
}

bool is_used(const MemoryObservation& seen, Device device) { return seen.peaks[device].step >= 0; }

std::string label_text(const MemoryView& view, int32_t step, size_t characters) {
  std::string label = label_of(view.steps, step);
  const size_t length = characters_of(label);
  if (length <= characters) return label;
  StepLabel cut = view.steps[static_cast<size_t>(step)];
  const size_t file = characters_of(cut.file), excess = length - characters;
  if (file < excess + kFileLeast) return shortened(label, characters);
  cut.file = shortened(cut.file, file - excess);
  return label_of({cut}, 0);
}

std::string holders_text(const Holders& holders) {
  return fmt::format("{}{} {}", name(holders.holder), holders.indices.size() == 1 ? "" : "s",
                     numbers_text(holders.indices, kNumbersShown));
}

std::string peak_text(const MemoryView& view, const Holders& holders, size_t characters) {
  std::vector<int> ranks = holders.ranks;
  std::erase(ranks, -1);
  const bool have_alike = ranks.size() < holders.ranks.size();
  std::ranges::sort(ranks);
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  std::string by;
  if (!ranks.empty())
    by = ", " + ranks_text(ranks, kRanksNamed) + (have_alike ? " and others alike" : "");
  return label_text(view, holders.step, std::max(characters, by.size()) - by.size()) + by;
}

std::vector<size_t> highest(const std::vector<int64_t>& heights, size_t most) {
  std::vector<size_t> order(heights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order.size() <= most) return order;
  std::ranges::stable_sort(order, std::ranges::greater(), [&](size_t i) { return heights[i]; });
  order.resize(most);
  std::ranges::sort(order);
  return order;
}

std::vector<int64_t> heights_of(const std::vector<MemoryObservation>& groups) {
  std::vector<int64_t> heights;
  for (const MemoryObservation& group : groups)
    heights.push_back(group.peaks[Device::kCpu].most.resident +
                      group.peaks[Device::kCuda].most.resident);
  return heights;
}

std::vector<int64_t> heights_of(const std::vector<Holders>& holders) {
  std::vector<int64_t> heights;
  for (const Holders& one : holders) heights.push_back(one.most.resident);
  return heights;
}

}  // namespace loadproof::harness
