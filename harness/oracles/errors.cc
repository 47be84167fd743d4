#include "harness/oracles/errors.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

bool runs_in(const std::vector<Step>& steps, int32_t index, int rank, const Topology& topology) {
  for (const Step& step : steps) {
    if (!step.ranks.contains(rank, topology)) continue;
    if (step.index == index || runs_in(step.body, index, rank, topology)) return true;
  }
  return false;
}

}  // namespace

bool runs(const Case& plan, int32_t step, int rank) {
  return runs_in(plan.program.steps, step, rank, plan.topology);
}

int32_t refused_step(const Case& plan, const Observation& seen) {
  if (!plan.refuse) return -1;
  const auto found = std::ranges::find(seen.steps, plan.refuse->at, &StepLabel::id);
  return found == seen.steps.end() ? -1 : static_cast<int32_t>(found - seen.steps.begin());
}

std::vector<int> refusing_ranks(const Case& plan, const Observation& seen) {
  const int32_t step = refused_step(plan, seen);
  std::vector<int> ranks;
  for (const RankObservation& rank : seen.ranks) {
    if (step < 0) continue;
    const std::optional<RankSet>& given = plan.refuse->ranks;
    if (given ? given->contains(rank.rank, plan.topology) : runs(plan, step, rank.rank))
      ranks.push_back(rank.rank);
  }
  return ranks;
}

std::string_view unnamed(const Refusal& refusal, const SeenError& error) {
  const auto lacks = [&](const std::string& name) {
    return error.text.find(name) == error.text.npos;
  };
  const auto first = std::ranges::find_if(refusal.names, lacks);
  return first == refusal.names.end() ? std::string_view() : std::string_view(*first);
}

bool is_refusal(const Case& plan, const Observation& seen, const SeenError& error) {
  const int32_t step = refused_step(plan, seen);
  return step >= 0 && error.step == step && error.raised &&
         std::ranges::binary_search(refusing_ranks(plan, seen), error.rank->rank) &&
         unnamed(*plan.refuse, error).empty();
}

std::vector<SeenError> errors_in(const Observation& seen) {
  std::vector<SeenError> errors;
  for (const RankObservation& rank : seen.ranks) {
    for (const FailedUpdate& update : rank.failed_updates)
      errors.push_back({&rank, &update, update.raised_at, update.error});
    const bool raised = rank.outcome == Outcome::kRaised;
    if (raised || rank.outcome == Outcome::kAborted)
      errors.push_back({&rank, nullptr, rank.stopped_at, rank.error, raised});
  }
  return errors;
}

Finding finding_of(const SeenError& error) {
  Finding finding;
  finding.rank = error.rank->rank;
  finding.step = error.step;
  return finding;
}

std::string in_words(const Observation& seen, const SeenError& error) {
  return fmt::format("rank {} {} at {}", error.rank->rank, error.raised ? "raised" : "was aborted",
                     step_text(seen, error.step));
}

}  // namespace loadproof::harness
