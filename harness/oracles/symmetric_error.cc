// symmetric_error: what one rank raises, all ranks raise.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/errors.h"
#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

// A rank that runs the same step must raise there. One that the program does not let run it, as
// those that do not read a file, may raise anywhere.
bool raised_too(const Case& plan, const std::vector<SeenError>& errors, const SeenError& error,
                int rank) {
  const bool same_step = runs(plan, error.step, rank);
  return std::ranges::any_of(errors, [&](const SeenError& other) {
    return other.raised && other.rank->rank == rank && (!same_step || other.step == error.step);
  });
}

std::string whereabouts(const RankObservation& rank) {
  if (rank.outcome == Outcome::kBlocked) return "waiting for ever";
  return rank.outcome == Outcome::kRaised ? "raised elsewhere" : std::string(name(rank.outcome));
}

// "rank 0 (finished), ranks 2..3 (waiting for ever)": in the order of the lowest rank of each.
std::string in_words(const std::vector<const RankObservation*>& others) {
  std::vector<std::pair<std::string, std::vector<int>>> groups;
  for (const RankObservation* other : others) {
    const std::string where = whereabouts(*other);
    auto group = std::ranges::find(groups, where, [](const auto& g) { return g.first; });
    if (group == groups.end()) group = groups.insert(groups.end(), {where, {}});
    group->second.push_back(other->rank);
  }
  std::string text;
  for (const auto& [where, ranks] : groups)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", ranks_text(ranks), where);
  return text;
}

}  // namespace

Verdict judge_symmetric_error(const Case& plan, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  const std::vector<SeenError> errors = errors_in(seen);
  for (const SeenError& error : errors) {
    if (!error.raised) continue;
    std::vector<const RankObservation*> others;
    for (const RankObservation& rank : seen.ranks)
      if (plan.topology.role_of(rank.rank) == plan.topology.role_of(error.rank->rank) &&
          !raised_too(plan, errors, error, rank.rank)) others.push_back(&rank);
    if (others.empty()) continue;
    Finding finding = finding_of(error);
    finding.kind = "one-sided";
    finding.text =
        fmt::format("{}, and {} did not: {}", in_words(seen, error), in_words(others), error.text);
    findings.push_back(std::move(finding));
  }
  return conclude("symmetric_error", std::move(findings),
                  errors.empty() ? "no rank raised" : "all ranks raised alike");
}

}  // namespace loadproof::harness
