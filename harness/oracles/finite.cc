// finite: neither NaN nor inf in what sampling is handed.
#include <fmt/format.h>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

std::string_view kind_of(int64_t nan, int64_t inf) { return nan > 0 || inf == 0 ? "nan" : "inf"; }

std::string values_text(int64_t nan, int64_t inf) {
  if (inf == 0) return "NaN";
  return nan == 0 ? "inf" : "NaN or inf";
}

// Values are counted by tensor, states by range: where some ranges must not reach sampling, those
// are told; else the values came with what was written, and all ranges are.
void find_in_tensor(const Judged& judged, const TensorObservation& tensor, const Blame& blame,
                    std::vector<Finding>& findings) {
  std::vector<const StateRange*> ranges;
  for (const StateRange& range : tensor.states)
    if (must_not_reach_sampling(range.root)) ranges.push_back(&range);
  if (ranges.empty())
    for (const StateRange& range : tensor.states) ranges.push_back(&range);
  if (ranges.empty()) ranges.push_back(nullptr);
  for (const StateRange* range : ranges) {
    Finding finding = finding_of(judged, tensor, range);
    finding.kind = kind_of(tensor.nan, tensor.inf);
    if (range) finding.blamed_step = blame.step_for(finding.rank, tensor, range->begin, range->end);
    finding.text =
        fmt::format("rank {}, {}: {} of {} elements are {}", finding.rank, tensor.name,
                    tensor.nan + tensor.inf, tensor.elements, values_text(tensor.nan, tensor.inf));
    findings.push_back(std::move(finding));
  }
}

bool find_in_tensors(const Judged& judged, const Blame& blame, std::vector<Finding>& findings) {
  size_t before = findings.size();
  for (const TensorObservation& tensor : judged.point->tensors)
    if (is_judged(tensor) && tensor.nan + tensor.inf > 0)
      find_in_tensor(judged, tensor, blame, findings);
  return findings.size() > before;
}

bool fails(const Generation& generation) {
  return generation.sampled_nan + generation.sampled_inf > 0 || !generation.error.empty();
}

Finding finding_in(const Judged& judged, const Generation& generation, bool tensors_to_blame) {
  Finding finding;
  finding.rank = judged.rank->rank;
  finding.at = judged.point->id;
  finding.step = generation.step;
  bool values = generation.sampled_nan + generation.sampled_inf > 0;
  finding.kind = values ? kind_of(generation.sampled_nan, generation.sampled_inf) : "refused";
  if (values)
    finding.text = fmt::format("rank {}: {} reached sampling: {} of {} logits of the prompt",
                               finding.rank,
                               values_text(generation.sampled_nan, generation.sampled_inf),
                               generation.nan + generation.inf, generation.logits_elements);
  else
    finding.text = fmt::format("rank {}: sampling refused what it was handed", finding.rank);
  if (!generation.error.empty()) finding.text += fmt::format(", error: {}", generation.error);
  if (values && !tensors_to_blame)
    finding.text += "; no tensor holds NaN or inf, so the logits overflowed on the way";
  return finding;
}

void find_at(const Judged& judged, const Blame& blame, std::vector<Finding>& findings) {
  auto generations = generations_at(judged);
  if (generations.empty()) find_in_tensors(judged, blame, findings);
  bool told = false, to_blame = false;
  for (const Generation* generation : generations) {
    if (!fails(*generation)) continue;
    if (!told) to_blame = find_in_tensors(judged, blame, findings);
    told = true;
    findings.push_back(finding_in(judged, *generation, to_blame));
  }
}

}  // namespace

Verdict judge_finite(const Case& plan, const Observation& seen, std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  Blame blame(plan, judged);
  std::vector<Finding> findings;
  bool anything = false;
  for (const Judged& one : judged.ranks) {
    anything = anything || !generations_at(one).empty() || !one.point->tensors.empty();
    const size_t before = findings.size();
    find_at(one, blame, findings);
    for (const Judged& earlier : earlier_samples(one, at))
      if (findings.size() == before) find_at(earlier, blame, findings);
  }
  if (!judged.ranks.empty() && !anything)
    return unknown("finite", "nothing was sampled and there is no tensor");
  return conclude("finite", judged, std::move(findings), "no NaN and no inf reached sampling");
}

}  // namespace loadproof::harness
