// What ckpt and source share: tensors held against the values that they must have.
//
// Pure functions. For the two oracles only.
#pragma once

#include <string_view>

#include "harness/oracles/judged.h"

namespace loadproof::harness {

// Which of a tensor's comparisons the oracle judges; nullptr: none of it.
using PickComparison = const Comparison* (*)(const TensorObservation&);

struct ComparedWith {
  std::string_view oracle;
  std::string_view what;     // that tensors are held against: "the file"
  PickComparison pick;
  std::string_view nothing;  // why it is unknown where no tensor has such a comparison
  std::string_view passed;
};

Verdict judge_compared(const ComparedWith& with, const Case& plan, const Observation& seen,
                       std::string_view at);

}  // namespace loadproof::harness
