// no_vacuous: no step's selector matches nothing, and no step does nothing or in vain.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {

Verdict judge_no_vacuous(const Case&, const Observation& seen, std::string_view) {
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
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.rank < b.rank; });
  return conclude("no_vacuous", std::move(findings), "every step found tensors to act on");
}

}  // namespace loadproof::harness
