// defined: nothing that must not reach sampling does, whatever its value.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

std::string_view words_for(std::string_view state) {
  if (state == "meta") return "still on meta";
  if (state == "undefined") return "never written";
  if (state == "placeholder") return "a placeholder that nothing replaced";
  return "made from bytes that must not be read";
}

std::string text_of(const Finding& finding, const TensorObservation* tensor, bool read) {
  std::string elements = elements_text(finding.begin, finding.end);
  if (tensor && !elements.empty()) elements += fmt::format(" of {}", tensor->elements);
  return fmt::format("rank {}, {}: {}{} {}{}", finding.rank, finding.tensor, elements,
                     finding.end == finding.begin + 1 ? " is" : " are", words_for(finding.state),
                     read ? " and reached sampling" : "");
}

void find_reaching(const Judged& judged, const Generation& generation, const Blame& blame,
                   std::vector<Finding>& findings) {
  for (const Reach& reach : generation.reaching) {
    Finding finding;
    const TensorObservation* tensor = find_tensor(*judged.point, reach.tensor);
    const StateRange* range = tensor ? range_of(*tensor, reach.begin, reach.end) : nullptr;
    if (tensor) finding = finding_of(judged, *tensor, range);
    if (tensor) finding.blamed_step = blame.step_for(finding.rank, *tensor, reach.begin, reach.end);
    finding.rank = judged.rank->rank;
    finding.at = judged.point->id;
    finding.tensor = reach.tensor;
    finding.begin = reach.begin;
    finding.end = reach.end;
    finding.state = name(reach.root);
    if (!reach.chain.empty()) finding.chain = reach.chain;
    finding.kind = "reached";
    finding.text = text_of(finding, tensor, true);
    findings.push_back(std::move(finding));
  }
}

bool any_bad_element(const TensorObservation& tensor) {
  for (int kind = 0; kind < kStateKinds; ++kind)
    if (must_not_reach_sampling(static_cast<StateKind>(kind)) &&
        tensor.state_counts[static_cast<size_t>(kind)] > 0)
      return true;
  return tensor.meta && tensor.elements > 0;
}

// Where the list of ranges was cut, the counts still tell that something is wrong.
void find_held(const Judged& judged, const TensorObservation& tensor, const Blame& blame,
               std::vector<Finding>& findings) {
  size_t before = findings.size();
  for (const StateRange& range : tensor.states) {
    if (!must_not_reach_sampling(range.root)) continue;
    Finding finding = finding_of(judged, tensor, &range);
    finding.blamed_step = blame.step_for(finding.rank, tensor, range.begin, range.end);
    finding.kind = "held";
    finding.text = text_of(finding, &tensor, false);
    findings.push_back(std::move(finding));
  }
  if (findings.size() > before || !any_bad_element(tensor)) return;
  Finding finding = finding_of(judged, tensor);
  finding.begin = 0;
  finding.end = tensor.elements;
  finding.state = tensor.meta ? "meta" : "";
  finding.blamed_step = blame.step_for(finding.rank, tensor, 0, tensor.elements);
  finding.kind = "held";
  finding.text = tensor.meta
                     ? text_of(finding, &tensor, false)
                     : fmt::format("rank {}, {}: some elements must not reach sampling",
                                   finding.rank, tensor.name);
  findings.push_back(std::move(finding));
}

// Ranges are told by tensor and from the front, whatever order the search found them in.
void sort_by_tensor(const Judged& judged, std::vector<Finding>& findings, size_t from) {
  std::map<std::string_view, size_t> order;
  for (size_t i = 0; i < judged.point->tensors.size(); ++i)
    order[judged.point->tensors[i].name] = i;
  auto place = [&](const Finding& finding) {
    auto found = order.find(finding.tensor);
    return std::pair(found == order.end() ? order.size() : found->second, finding.begin);
  };
  std::stable_sort(findings.begin() + static_cast<std::ptrdiff_t>(from), findings.end(),
                   [&](const Finding& a, const Finding& b) { return place(a) < place(b); });
}

void find_at(const Judged& judged, const Blame& blame, std::vector<Finding>& findings) {
  auto generations = generations_at(judged);
  const size_t before = findings.size();
  for (const Generation* generation : generations)
    find_reaching(judged, *generation, blame, findings);
  sort_by_tensor(judged, findings, before);
  if (!generations.empty()) return;
  for (const TensorObservation& tensor : judged.point->tensors)
    if (is_judged(tensor)) find_held(judged, tensor, blame, findings);
}

}  // namespace

Verdict judge_defined(const Case& plan, const Observation& seen, std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  Blame blame(plan, judged);
  std::vector<Finding> findings;
  for (const Judged& one : judged.ranks) {
    const size_t before = findings.size();
    find_at(one, blame, findings);
    for (const Judged& earlier : earlier_samples(one, at))
      if (findings.size() == before) find_at(earlier, blame, findings);
  }
  return conclude("defined", judged, std::move(findings),
                  "nothing undefined, on meta, tainted or in place of something reached sampling");
}

}  // namespace loadproof::harness
