// no_hang: all members of each collective come, and say the same.
#include <fmt/format.h>

#include <algorithm>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {
namespace {

Finding of_mismatch(const MismatchObservation& mismatch, int rank, size_t index) {
  Finding finding;
  finding.rank = rank;
  finding.kind = mismatch.kind;
  finding.step = mismatch.step;
  finding.text = mismatch.text;
  if (mismatch.tensors.size() == mismatch.ranks.size() && !mismatch.ranks.empty())
    finding.tensor = mismatch.tensors[index];
  else if (!mismatch.tensors.empty())
    finding.tensor = mismatch.tensors.front();
  return finding;
}

}  // namespace

Verdict judge_no_hang(const Case&, const Observation& seen, std::string_view) {
  std::vector<Finding> findings;
  for (const MismatchObservation& mismatch : seen.mismatches) {
    if (mismatch.ranks.empty()) findings.push_back(of_mismatch(mismatch, -1, 0));
    for (size_t i = 0; i < mismatch.ranks.size(); ++i)
      findings.push_back(of_mismatch(mismatch, mismatch.ranks[i], i));
  }
  // Who waits where nobody is missing is kept by a mismatch, which has told it.
  for (const WaitObservation& wait : seen.waits) {
    if (wait.missing.empty()) continue;
    Finding finding;
    finding.rank = wait.rank;
    finding.tensor = wait.tensor;
    finding.kind = "missing";
    finding.step = wait.step;
    finding.text = wait.text;
    findings.push_back(std::move(finding));
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.rank < b.rank; });
  return conclude("no_hang", std::move(findings), "all collectives met, and their members agreed");
}

}  // namespace loadproof::harness
