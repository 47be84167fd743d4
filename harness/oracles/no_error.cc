// no_error: no rank raises or is aborted.
#include <fmt/format.h>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {

Verdict judge_no_error(const Case&, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  for (const RankObservation& rank : seen.ranks) {
    if (rank.outcome != Outcome::kRaised && rank.outcome != Outcome::kAborted) continue;
    Finding finding;
    finding.rank = rank.rank;
    finding.step = rank.stopped_at;
    finding.kind = name(rank.outcome);
    finding.text = fmt::format("rank {} {}: {}", rank.rank,
                               rank.outcome == Outcome::kRaised ? "raised" : "was aborted",
                               rank.error);
    findings.push_back(std::move(finding));
  }
  return conclude("no_error", std::move(findings), "no rank raised or was aborted");
}

}  // namespace loadproof::harness
