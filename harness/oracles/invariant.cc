// invariant: what must not matter does not.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {

Verdict judge_invariant(const Case& plan, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  for (const TwinDifference& twin : seen.twins) {
    Finding finding;
    finding.rank = twin.rank;
    finding.tensor = twin.tensor;
    finding.kind = twin.tensor.empty() ? "ending" : "value";
    finding.text = twin.rank < 0 ? "" : fmt::format("rank {}", twin.rank);
    if (!twin.tensor.empty())
      finding.text += finding.text.empty() ? twin.tensor : ", " + twin.tensor;
    finding.text += (finding.text.empty() ? "" : ": ") + twin.text;
    findings.push_back(std::move(finding));
  }
  std::ranges::stable_sort(findings, {}, &Finding::rank);
  return conclude("invariant", std::move(findings),
                  plan.twins.empty() ? "nothing is said not to matter"
                                     : "what must not matter does not");
}

}  // namespace loadproof::harness
