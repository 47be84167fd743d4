// replicas: every tensor is bit-equal on all ranks.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

struct Copy {
  Judged where;
  const TensorObservation* tensor;
};

// Whether every element may reach sampling, so that others can be held against it.
bool is_sound(const TensorObservation& tensor) {
  for (int kind = 0; kind < kStateKinds; ++kind)
    if (must_not_reach_sampling(static_cast<StateKind>(kind)) &&
        tensor.state_counts[static_cast<size_t>(kind)] > 0)
      return false;
  return !tensor.meta;
}

// What nobody wrote equals nothing that somebody did, whatever the memory happens to contain.
bool same(const TensorObservation& a, const TensorObservation& b) {
  return std::tie(a.digest, a.dtype, a.shape, a.meta) ==
             std::tie(b.digest, b.dtype, b.shape, b.meta) &&
         is_sound(a) == is_sound(b);
}

// Names in the order of the first rank that has them.
std::vector<std::string> names_of(const JudgedRanks& judged) {
  std::vector<std::string> names;
  for (const Judged& one : judged.ranks) {
    if (one.point->tensors.size() <= names.size() &&
        std::ranges::equal(one.point->tensors, std::span(names).first(one.point->tensors.size()),
                           {}, &TensorObservation::name))
      continue;
    for (const TensorObservation& tensor : one.point->tensors)
      if (std::ranges::find(names, tensor.name) == names.end()) names.push_back(tensor.name);
  }
  return names;
}

const TensorObservation* tensor_at(const Point& point, size_t hint, const std::string& name) {
  if (hint < point.tensors.size() && point.tensors[hint].name == name) return &point.tensors[hint];
  return find_tensor(point, name);
}

// What replicas have in common: their role, and the piece of the tensor that they hold.
using Share = std::pair<int, uint64_t>;

Share share_of(const Case& plan, const Judged& one, const TensorObservation& tensor) {
  return {plan.topology.role_of(one.rank->rank), tensor.piece};
}

// In order of their lowest rank.
std::vector<Share> shares_of(const Case& plan, const JudgedRanks& judged, size_t index,
                             const std::string& name) {
  std::vector<Share> shares;
  for (const Judged& one : judged.ranks) {
    const TensorObservation* tensor = tensor_at(*one.point, index, name);
    if (!tensor || !is_judged(*tensor)) continue;
    const Share share = share_of(plan, one, *tensor);
    if (std::ranges::find(shares, share) == shares.end()) shares.push_back(share);
  }
  return shares;
}

// Copies of one share that are equal, in order of their lowest rank.
std::vector<std::vector<Copy>> groups_of(const Case& plan, const JudgedRanks& judged, size_t index,
                                         const std::string& name, const Share& share) {
  std::vector<std::vector<Copy>> groups;
  for (const Judged& one : judged.ranks) {
    const TensorObservation* tensor = tensor_at(*one.point, index, name);
    if (!tensor || share_of(plan, one, *tensor) != share) continue;
    auto group = std::ranges::find_if(
        groups, [&](const auto& g) { return same(*g.front().tensor, *tensor); });
    if (group == groups.end()) group = groups.insert(groups.end(), std::vector<Copy>{});
    group->push_back({one, tensor});
  }
  return groups;
}

// Whether it is known what it should be, and it is that.
bool is_right(const TensorObservation& tensor) {
  return tensor.declared.known ? tensor.declared.equal
                               : tensor.reference.known && tensor.reference.equal;
}

// The group that the others are held against: one that is sound, if any is; then one that is as
// declared; then the one most ranks are in, or the lowest rank's.
size_t authority(const std::vector<std::vector<Copy>>& groups) {
  auto weight = [](const std::vector<Copy>& group) {
    const TensorObservation& tensor = *group.front().tensor;
    return std::tuple(is_sound(tensor), is_right(tensor), group.size());
  };
  size_t best = 0;
  for (size_t i = 1; i < groups.size(); ++i)
    if (weight(groups[i]) > weight(groups[best])) best = i;
  return best;
}

std::string_view kind_of(const TensorObservation& here, const TensorObservation& there) {
  if (here.meta != there.meta) return "meta";
  if (here.dtype != there.dtype) return "dtype";
  if (here.shape != there.shape) return "shape";
  return here.digest == there.digest ? "state" : "value";
}

Finding finding_in(const Copy& copy, const std::vector<Copy>& held_against, const Blame& blame) {
  const TensorObservation& tensor = *copy.tensor;
  const StateRange* range = range_of(tensor, 0, tensor.elements);
  Finding finding = finding_of(copy.where, tensor, range);
  finding.kind = kind_of(tensor, *held_against.front().tensor);
  finding.blamed_step = blame.step_for(finding.rank, tensor, 0, tensor.elements);
  std::vector<int> ranks;
  for (const Copy& other : held_against) ranks.push_back(other.where.rank->rank);
  finding.text = fmt::format("rank {}, {}: differs in {} from {}", finding.rank, tensor.name,
                             finding.kind == "meta" ? "being on meta" : finding.kind,
                             ranks_text(ranks));
  return finding;
}

}  // namespace

Verdict judge_replicas(const Case& plan, const Observation& seen, std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  if (judged.ranks.size() == 1 && seen.ranks.size() > 1)
    return unknown("replicas", fmt::format("only rank {} is judged; {}",
                                           judged.ranks.front().rank->rank, judged.left_out));
  Blame blame(plan, judged);
  std::vector<Finding> findings;
  std::vector<std::string> names = names_of(judged);
  for (size_t index = 0; index < names.size(); ++index)
    for (const Share& share : shares_of(plan, judged, index, names[index])) {
      auto groups = groups_of(plan, judged, index, names[index], share);
      if (groups.size() < 2) continue;
      size_t right = authority(groups);
      for (size_t i = 0; i < groups.size(); ++i)
        for (const Copy& copy : groups[i])
          if (i != right) findings.push_back(finding_in(copy, groups[right], blame));
    }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.rank < b.rank; });
  return conclude("replicas", judged, std::move(findings),
                  seen.ranks.size() == 1 ? "there is one rank" : "all ranks hold the same bits");
}

}  // namespace loadproof::harness
