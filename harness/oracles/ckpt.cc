// ckpt: every tensor equals what the model directory gives for it, and came from there.
#include <fmt/format.h>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

std::string_view kind_of(const TensorObservation& tensor) {
  if (tensor.reference.equal) return "coverage";
  if (tensor.reference.differing > 0) return "value";
  if (tensor.meta) return "meta";
  return tensor.dtype != tensor.declared_dtype ? "dtype" : "shape";
}

std::string text_of(const Finding& finding, const TensorObservation& tensor) {
  const Comparison& compared = tensor.reference;
  std::string where = fmt::format("rank {}, {}", finding.rank, tensor.name);
  if (compared.equal)
    return fmt::format(
        "{}: equals the file, but {} of {} elements did not come from their place in it", where,
        compared.not_from_source, tensor.elements);
  if (compared.differing == 0)
    return fmt::format("{}: not as in the model directory: {}", where,
                       compared.reason.empty() ? "it cannot be compared" : compared.reason);
  return fmt::format("{}: {} of {} elements differ, {}", where, compared.differing, tensor.elements,
                     elements_text(compared.first_differing, compared.last_differing + 1));
}

// The first range that did not come from the file, where only the origin is wrong.
const StateRange* foreign_range(const TensorObservation& tensor) {
  for (const StateRange& range : tensor.states)
    if (range.root != StateKind::kLoaded) return &range;
  return tensor.states.empty() ? nullptr : &tensor.states.front();
}

Finding finding_in(const Judged& judged, const TensorObservation& tensor, const Blame& blame) {
  const Comparison& compared = tensor.reference;
  int64_t begin = compared.differing > 0 ? compared.first_differing : 0;
  int64_t end = compared.differing > 0 ? compared.last_differing + 1 : tensor.elements;
  const StateRange* range =
      compared.equal ? foreign_range(tensor) : range_of(tensor, begin, end);
  Finding finding = finding_of(judged, tensor, range);
  if (!compared.equal || !range) {
    finding.begin = begin;
    finding.end = end;
  }
  finding.blamed_step = blame.step_for(tensor, finding.begin, finding.end);
  finding.kind = kind_of(tensor);
  finding.text = text_of(finding, tensor);
  return finding;
}

}  // namespace

Verdict judge_ckpt(const Case&, const Observation& seen, std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  Blame blame(judged);
  std::vector<Finding> findings;
  bool anything = false;
  for (const Judged& one : judged.ranks)
    for (const TensorObservation& tensor : one.point->tensors) {
      if (!tensor.reference.known) continue;
      anything = true;
      if (tensor.reference.equal && tensor.reference.not_from_source == 0) continue;
      findings.push_back(finding_in(one, tensor, blame));
    }
  if (!judged.ranks.empty() && !anything)
    return unknown("ckpt", "the case gives no value for any tensor");
  return conclude("ckpt", judged, std::move(findings),
                  "every tensor equals the model directory's, element by element");
}

}  // namespace loadproof::harness
