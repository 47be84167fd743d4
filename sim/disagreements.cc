#include "sim/disagreements.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace loadproof::sim {
namespace {

// The collectives of one group that a class comes to, in order.
std::vector<const Meet*> meets_in(const CostLog& log, const std::string& group) {
  std::vector<const Meet*> meets;
  for (const Epoch& epoch : log.epochs())
    if (epoch.meet.step >= 0 && epoch.meet.group == group) meets.push_back(&epoch.meet);
  return meets;
}

std::string told(const Meet& meet) {
  return meet.tensor.empty() ? std::string(name(meet.op))
                             : fmt::format("{} of {}, {} bytes", name(meet.op), meet.tensor,
                                           meet.bytes);
}

// How two calls differ, in one of the words of no_hang; empty: they do not.
std::string difference(const Meet& a, const Meet& b) {
  if (a.op != b.op) return "op";
  if (a.root != b.root) return "source";
  if (a.bytes != b.bytes) return "size";
  return a.tensor != b.tensor && !a.match_bytes ? "name" : "";
}

void compare(const LoggedRanks& a, const LoggedRanks& b, const std::string& group,
             std::vector<MismatchObservation>& found) {
  const auto ours = meets_in(a.log, group), theirs = meets_in(b.log, group);
  const int rank = a.ranks.front(), other = b.ranks.front();
  for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    const std::string kind = difference(*ours[i], *theirs[i]);
    if (kind.empty()) continue;
    found.push_back({.kind = kind,
                     .fatal = kind != "name",
                     .text = fmt::format("collective {} of {}: rank {} comes to {}, and rank {} to "
                                         "{}", i + 1, group, rank, told(*ours[i]), other,
                                         told(*theirs[i])),
                     .ranks = {other},
                     .tensors = {theirs[i]->tensor},
                     .step = theirs[i]->step});
    return;
  }
  if (ours.size() == theirs.size()) return;
  const auto& more = ours.size() > theirs.size() ? ours : theirs;
  const bool fewer = ours.size() > theirs.size();
  const Meet& missed = *more[std::min(ours.size(), theirs.size())];
  found.push_back({.kind = "missing",
                   .fatal = true,
                   .text = fmt::format("rank {} never comes to {} in {}, where rank {} waits",
                                       fewer ? other : rank, told(missed), group,
                                       fewer ? rank : other),
                   .ranks = {fewer ? other : rank},
                   .tensors = {missed.tensor},
                   .step = missed.step});
}

}  // namespace

std::vector<MismatchObservation> disagreements(std::span<const LoggedRanks> classes,
                                               const Topology& topology, const Groups& groups) {
  const auto by_rank = class_by_rank(classes, topology);
  std::vector<MismatchObservation> found;
  for (const std::string& name : groups.names()) {
    std::set<std::pair<size_t, size_t>> compared;
    for (int rank = 0; rank < topology.ranks(); ++rank) {
      const auto group = groups.index_of(name, rank);
      if (!group) continue;
      const size_t first = by_rank[static_cast<size_t>(groups.ranks_of(*group).front())];
      const size_t own = by_rank[static_cast<size_t>(rank)];
      if (first != own && compared.emplace(first, own).second)
        compare(classes[first], classes[own], name, found);
    }
  }
  return found;
}

}  // namespace loadproof::sim
