#include "harness/oracles/errors.h"

#include <fmt/format.h>

#include "harness/words.h"

namespace loadproof::harness {

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
