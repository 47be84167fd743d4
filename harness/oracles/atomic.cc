// atomic: an update that fails leaves all its tensors as they were, or has renewed all of them, and
// alike on all ranks of a role.
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

enum class Left : uint8_t { kOld, kNew, kHalfWay };

Left left_by(const FailedUpdate& update) {
  const bool any_changed =
      std::ranges::any_of(update.changed, [](const ChangedTensor& t) { return t.judged; });
  if (!any_changed) return Left::kOld;
  const bool any_broken = std::ranges::any_of(
      update.changed, [](const ChangedTensor& t) { return t.judged && is_broken(t); });
  return update.unchanged.empty() && !any_broken ? Left::kNew : Left::kHalfWay;
}

// Ranks of a role that one run of an update left new: it ended well there, or failed at its end.
std::vector<int> renewed(const Case& plan, const Observation& seen, const FailedUpdate& update,
                         int role) {
  const auto same = [&](const auto& other) {
    return other.step == update.step && other.run == update.run;
  };
  std::vector<int> ranks;
  for (const RankObservation& rank : seen.ranks) {
    if (plan.topology.role_of(rank.rank) != role) continue;
    const bool finished = std::ranges::any_of(rank.finished_updates, [&](const auto& other) {
      return same(other) && !other.changed.empty();
    });
    const bool failed = std::ranges::any_of(rank.failed_updates, [&](const auto& other) {
      return same(other) && left_by(other) == Left::kNew;
    });
    if (finished || failed) ranks.push_back(rank.rank);
  }
  return ranks;
}

void find_torn(const Case& plan, const Observation& seen, const RankObservation& rank,
               const FailedUpdate& update, std::vector<Finding>& findings) {
  if (left_by(update) != Left::kOld || update.unchanged.empty()) return;
  const std::vector<int> others = renewed(plan, seen, update, plan.topology.role_of(rank.rank));
  if (others.empty()) return;
  Finding finding;
  finding.rank = rank.rank;
  finding.step = update.step;
  finding.kind = "torn";
  finding.text = fmt::format("rank {}: is as before after update {} failed there, and {} new",
                             rank.rank, step_text(seen, update.step),
                             ranks_text(others) + (others.size() == 1 ? " is" : " are"));
  findings.push_back(std::move(finding));
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

Verdict judge_atomic(const Case& plan, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  bool any = false;
  for (const RankObservation& rank : seen.ranks)
    for (const FailedUpdate& update : rank.failed_updates) {
      any = true;
      find_half_way(seen, rank, update, findings);
      find_torn(plan, seen, rank, update, findings);
    }
  return conclude("atomic", std::move(findings),
                  any ? "every update that failed left all tensors old, or all new, on all ranks"
                      : "no update failed");
}

}  // namespace loadproof::harness
