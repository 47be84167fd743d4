#include "harness/oracles/compared.h"

#include <fmt/format.h>

#include "harness/words.h"

namespace loadproof::harness {
namespace {

std::string_view kind_of(const TensorObservation& tensor, const Comparison& compared) {
  if (compared.equal) return "coverage";
  if (!compared.kind.empty()) return compared.kind;
  if (compared.differing > 0) return "value";
  if (tensor.meta) return "meta";
  return tensor.dtype != tensor.declared_dtype ? "dtype" : "shape";
}

std::string text_of(const Finding& finding, const TensorObservation& tensor,
                    const Comparison& compared, std::string_view what) {
  std::string where = fmt::format("rank {}, {}", finding.rank, tensor.name);
  if (compared.equal)
    return fmt::format(
        "{}: equals {}, but {} of {} elements did not come from their place in it", where, what,
        compared.not_from_source, tensor.elements);
  if (compared.differing == 0)
    return fmt::format("{}: not as {} has it: {}", where, what,
                       compared.reason.empty() ? "it cannot be compared" : compared.reason);
  std::string text =
      fmt::format("{}: {} of {} elements differ from {}, {}", where, compared.differing,
                  tensor.elements, what,
                  elements_text(compared.first_differing, compared.last_differing + 1));
  return compared.story.empty() ? text : text + "; it holds " + compared.story;
}

// The first range that did not come from the file, where only the origin is wrong.
const StateRange* foreign_range(const TensorObservation& tensor) {
  for (const StateRange& range : tensor.states)
    if (range.root != StateKind::kLoaded) return &range;
  return tensor.states.empty() ? nullptr : &tensor.states.front();
}

Finding finding_in(const Judged& judged, const TensorObservation& tensor,
                   const Comparison& compared, const Blame& blame, std::string_view what) {
  int64_t begin = compared.differing > 0 ? compared.first_differing : 0;
  int64_t end = compared.differing > 0 ? compared.last_differing + 1 : tensor.elements;
  const StateRange* range =
      compared.equal ? foreign_range(tensor) : range_of(tensor, begin, end);
  Finding finding = finding_of(judged, tensor, range);
  if (!compared.equal || !range) {
    finding.begin = begin;
    finding.end = end;
  }
  finding.blamed_step = blame.step_for(finding.rank, tensor, finding.begin, finding.end);
  finding.kind = kind_of(tensor, compared);
  finding.text = text_of(finding, tensor, compared, what);
  return finding;
}

// Right values in the wrong places of the world.
Finding astray(const Judged& judged, const TensorObservation& tensor) {
  Finding finding = finding_of(judged, tensor, range_of(tensor, 0, tensor.elements));
  finding.begin = finding.end = -1;
  finding.kind = "layout";
  finding.text = fmt::format("rank {}, {}: ends as another piece than it declares: {}",
                             finding.rank, tensor.name, tensor.astray);
  return finding;
}

bool is_right(const Comparison& compared) {
  return compared.equal && compared.not_from_source == 0;
}

}  // namespace

Verdict judge_compared(const ComparedWith& with, const Case& plan, const Observation& seen,
                       std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  Blame blame(plan, judged);
  std::vector<Finding> findings;
  bool anything = false;
  for (const Judged& one : judged.ranks)
    for (const TensorObservation& tensor : one.point->tensors) {
      const Comparison* compared = is_judged(tensor) ? with.pick(tensor) : nullptr;
      if (!compared) continue;
      anything = true;
      if (!is_right(*compared))
        findings.push_back(finding_in(one, tensor, *compared, blame, with.what));
      else if (!tensor.astray.empty())
        findings.push_back(astray(one, tensor));
    }
  if (!judged.ranks.empty() && !anything) return unknown(with.oracle, std::string(with.nothing));
  return conclude(with.oracle, judged, std::move(findings), with.passed);
}

}  // namespace loadproof::harness
