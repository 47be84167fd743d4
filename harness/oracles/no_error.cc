// no_error: no rank raises or is aborted, and no update fails.
#include <fmt/format.h>

#include "harness/oracles/errors.h"
#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {

Verdict judge_no_error(const Case& plan, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  bool refused = false;
  for (const SeenError& error : errors_in(seen)) {
    if (is_refusal(plan, seen, error)) {
      refused = true;
      continue;
    }
    Finding finding = finding_of(error);
    finding.kind = error.update ? "update" : std::string(name(error.rank->outcome));
    finding.text = error.update ? fmt::format("rank {} failed in update {}: {}", finding.rank,
                                              step_text(seen, error.update->step), error.text)
                                : fmt::format("rank {} {}: {}", finding.rank,
                                              error.raised ? "raised" : "was aborted", error.text);
    findings.push_back(std::move(finding));
  }
  return conclude(
      "no_error", std::move(findings),
      refused ? "every error refuses what must be refused" : "no rank raised or was aborted");
}

}  // namespace loadproof::harness
