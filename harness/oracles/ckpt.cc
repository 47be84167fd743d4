// ckpt: every tensor equals its elements in the file, came from there, and all of them are held.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/compared.h"
#include "harness/oracles/table.h"
#include "harness/words.h"

namespace loadproof::harness {
namespace {

const Comparison* of_file(const TensorObservation& tensor) {
  return tensor.reference.from_file && !tensor.declared.known ? &tensor.reference : nullptr;
}

// Elements of one tensor that are in no rank's piece. Nothing is said where a list of ranges was
// cut.
void find_gaps(const std::vector<const TensorObservation*>& pieces,
               std::vector<Finding>& findings) {
  const TensorObservation& first = *pieces.front();
  std::vector<ElementRange> held;
  for (const TensorObservation* piece : pieces) {
    if (piece->piece == 0 || piece->held.size() >= kHeldRangesMax) return;
    held.insert(held.end(), piece->held.begin(), piece->held.end());
  }
  std::ranges::sort(held, {}, &ElementRange::begin);
  held.push_back({element_count(first.declared_shape), element_count(first.declared_shape)});
  int64_t covered = 0;
  for (const ElementRange& range : held) {
    if (range.begin > covered) {
      Finding finding;
      finding.tensor = first.name;
      finding.begin = covered;
      finding.end = range.begin;
      finding.kind = "coverage";
      finding.text = fmt::format("{}: {} of the file are in no rank's piece", first.name,
                                 elements_text(covered, range.begin));
      findings.push_back(std::move(finding));
    }
    covered = std::max(covered, range.end);
  }
}

// Tensors of the file that no rank is said to have. With `source` steps, some of the file's are
// there only for these.
void find_uncovered(const Case& plan, std::vector<Finding>& findings) {
  for (const ExtraTensor& extra : plan.tensors) {
    const TensorSpec& spec = extra.spec;
    const bool judged = spec.in_stores && spec.kind != TensorKind::kScratch && !plan.source;
    if (!judged || !spec.held_by.members(plan.topology).empty()) continue;
    Finding finding;
    finding.tensor = spec.name;
    finding.kind = "uncovered";
    finding.text = fmt::format("{}: is in the file, and no rank has it (ranks: {})", spec.name,
                               spec.held_by.text());
    findings.push_back(std::move(finding));
  }
}

std::vector<Finding> gaps_in(const Observation& seen, std::string_view at) {
  std::vector<Finding> findings;
  const JudgedRanks judged = judged_ranks(seen, at);
  if (judged.ranks.size() < seen.ranks.size()) return findings;
  std::map<std::string, std::vector<const TensorObservation*>> tensors;
  for (const Judged& one : judged.ranks)
    for (const TensorObservation& tensor : one.point->tensors)
      if (is_judged(tensor) && of_file(tensor)) tensors[tensor.name].push_back(&tensor);
  for (const auto& [name, pieces] : tensors) find_gaps(pieces, findings);
  return findings;
}

}  // namespace

Verdict judge_ckpt(const Case& plan, const Observation& seen, std::string_view at) {
  Verdict verdict = judge_compared(
      {.oracle = "ckpt",
       .what = "the file",
       .pick = of_file,
       .nothing = "no tensor is in a file, or the case declares other values for those that are",
       .passed = "every tensor equals its elements in the file"},
      plan, seen, at);
  std::vector<Finding> gaps = gaps_in(seen, at);
  find_uncovered(plan, gaps);
  if (gaps.empty()) return verdict;
  verdict.findings.insert(verdict.findings.end(), gaps.begin(), gaps.end());
  return conclude("ckpt", std::move(verdict.findings), "");
}

}  // namespace loadproof::harness
