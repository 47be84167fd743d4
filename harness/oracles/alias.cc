// alias: tied names share storage, and no others do. Scratch is the loader's own, which may share
// with whom it likes; what must be tied to it must.
#include <fmt/format.h>

#include <map>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {
namespace {

// The name at the end of the declared ties; bounded, so that a circle ends.
std::string root_of(const Point& point, const TensorObservation& tensor) {
  const TensorObservation* at = &tensor;
  for (size_t hops = 0; hops < point.tensors.size() && !at->tied_to.empty(); ++hops) {
    const TensorObservation* next = find_tensor(point, at->tied_to);
    if (!next) return at->tied_to;
    at = next;
  }
  return at->name;
}

bool share(const TensorObservation& a, const TensorObservation& b) {
  if (a.meta && b.meta) return true;
  return !a.meta && !b.meta && a.storage == b.storage;
}

void find_broken(const Judged& judged, const TensorObservation& tensor,
                 std::vector<Finding>& findings) {
  if (tensor.tied_to.empty() || !is_judged(tensor)) return;
  const TensorObservation* target = find_tensor(*judged.point, tensor.tied_to);
  if (!target || share(tensor, *target)) return;  // a tie binds ranks that hold both
  Finding finding = finding_of(judged, tensor, range_of(tensor, 0, tensor.elements));
  finding.begin = finding.end = -1;
  finding.kind = "broken";
  finding.text =
      fmt::format("rank {}, {}: tied to {}, but has storage of its own", finding.rank, tensor.name,
                  tensor.tied_to);
  findings.push_back(std::move(finding));
}

}  // namespace

Verdict judge_alias(const Case&, const Observation& seen, std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  std::vector<Finding> findings;
  for (const Judged& one : judged.ranks) {
    std::map<int32_t, const TensorObservation*> first_with;
    for (const TensorObservation& tensor : one.point->tensors) {
      find_broken(one, tensor, findings);
      if (tensor.meta || tensor.storage < 0 || !is_judged(tensor)) continue;
      auto [entry, is_new] = first_with.emplace(tensor.storage, &tensor);
      if (is_new || root_of(*one.point, *entry->second) == root_of(*one.point, tensor)) continue;
      Finding finding = finding_of(one, tensor);
      finding.kind = "shared";
      finding.text = fmt::format("rank {}, {}: shares storage with {}, to which nothing ties it",
                                 finding.rank, tensor.name, entry->second->name);
      findings.push_back(std::move(finding));
    }
  }
  return conclude("alias", judged, std::move(findings), "tied names share storage, and no others");
}

}  // namespace loadproof::harness
