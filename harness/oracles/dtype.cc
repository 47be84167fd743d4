// dtype: every tensor has the dtype that the model declares.
#include <fmt/format.h>

#include "harness/oracles/judged.h"
#include "harness/oracles/table.h"

namespace loadproof::harness {

Verdict judge_dtype(const Case&, const Observation& seen, std::string_view at) {
  JudgedRanks judged = judged_ranks(seen, at);
  std::vector<Finding> findings;
  for (const Judged& one : judged.ranks)
    for (const TensorObservation& tensor : one.point->tensors) {
      if (!is_judged(tensor) || tensor.dtype == tensor.declared_dtype) continue;
      Finding finding = finding_of(one, tensor, range_of(tensor, 0, tensor.elements));
      finding.begin = finding.end = -1;
      finding.kind = name(tensor.dtype);
      finding.text = fmt::format("rank {}, {}: is {}, declared {}", finding.rank, tensor.name,
                                 name(tensor.dtype), name(tensor.declared_dtype));
      findings.push_back(std::move(finding));
    }
  return conclude("dtype", judged, std::move(findings), "every tensor has its declared dtype");
}

}  // namespace loadproof::harness
