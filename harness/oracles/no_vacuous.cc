// no_vacuous: no step's selector matches nothing, no step does nothing or in vain, and no element
// is written more often than the case allows.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

void find_rewritten(const Case& plan, const Observation& seen, std::vector<Finding>& findings) {
  for (const WritesObservation& writes : seen.writes) {
    if (!plan.writes_max || writes.most <= *plan.writes_max) continue;
    Finding finding;
    finding.rank = writes.rank;
    finding.tensor = writes.tensor;
    finding.begin = writes.begin;
    finding.end = writes.end;
    finding.step = writes.step;
    finding.kind = "rewritten";
    finding.text = fmt::format("rank {}, {}: {} were written {}, {} allowed; last by step {}",
                               writes.rank, writes.tensor, elements_text(writes.begin, writes.end),
                               count_text(writes.most, "time"), *plan.writes_max,
                               step_text(seen, writes.step));
    findings.push_back(std::move(finding));
  }
}

}  // namespace

Verdict judge_no_vacuous(const Case& plan, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  for (const VacuousObservation& vacuous : seen.vacuous)
    for (int rank : vacuous.ranks) {
      Finding finding;
      finding.rank = rank;
      finding.step = vacuous.step;
      finding.kind = vacuous.kind;
      const std::string what =
          vacuous.text.empty()
              ? fmt::format(" did nothing, for '{}' matches no tensor", vacuous.selector)
              : ": " + vacuous.text;
      finding.text = fmt::format("rank {}: step {}{}", rank, step_text(seen, vacuous.step), what);
      findings.push_back(finding);
      for (const std::string& tensor : vacuous.tensors) {
        if (!findings.back().tensor.empty()) findings.push_back(finding);
        findings.back().tensor = tensor;
      }
    }
  find_rewritten(plan, seen, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.rank < b.rank; });
  return conclude("no_vacuous", std::move(findings), "every step found tensors to act on");
}

}  // namespace loadproof::harness
