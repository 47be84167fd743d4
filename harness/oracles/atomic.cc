// atomic: an update that fails leaves all its tensors as they were, or has renewed all of them.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

// Neither old nor new: taken down, and nothing has been put in its place.
bool is_broken(const ChangedTensor& tensor) { return must_not_reach_sampling(tensor.state); }

std::string_view words_for(const ChangedTensor& tensor) {
  return is_broken(tensor) ? "neither old nor new" : "new";
}

void find_half_way(const Observation& seen, const RankObservation& rank, const FailedUpdate& update,
                   std::vector<Finding>& findings) {
  std::vector<const ChangedTensor*> changed;
  for (const ChangedTensor& tensor : update.changed)
    if (tensor.judged) changed.push_back(&tensor);
  const bool all_new = update.unchanged.empty() &&
                       std::ranges::none_of(changed, [](auto* t) { return is_broken(*t); });
  if (all_new) return;
  for (const ChangedTensor* tensor : changed) {
    Finding finding;
    finding.rank = rank.rank;
    finding.tensor = tensor->name;
    finding.state = name(tensor->state);
    finding.chain = tensor->chain;
    finding.step = update.step;
    finding.kind = "changed";
    finding.text =
        fmt::format("rank {}, {}: is {} ({}) after update {} failed; {} {} as before", rank.rank,
                    tensor->name, words_for(*tensor), finding.state, step_text(seen, update.step),
                    count_text(static_cast<int64_t>(update.unchanged.size()), "tensor"),
                    update.unchanged.size() == 1 ? "is" : "are");
    findings.push_back(std::move(finding));
  }
}

}  // namespace

Verdict judge_atomic(const Case&, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  bool any = false;
  for (const RankObservation& rank : seen.ranks)
    for (const FailedUpdate& update : rank.failed_updates) {
      any = true;
      find_half_way(seen, rank, update, findings);
    }
  return conclude(
      "atomic", std::move(findings),
      any ? "every update that failed left all tensors old, or all new" : "no update failed");
}

}  // namespace loadproof::harness
