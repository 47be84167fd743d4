// From an observation to verdicts, and from verdicts to what surprises: the two halves of judging.
//
// Pure functions. An oracle that fails is no failure of the case: a defective loader is there to be
// caught. What fails a case is a verdict other than the expected one, or one at another place.
#pragma once

#include <string>
#include <vector>

#include "harness/oracles/oracle.h"

namespace loadproof::harness {

// One verdict an oracle, in the order of oracles(), each at the point its expectation names.
std::vector<Verdict> judge(const Case& plan, const Observation& seen);

// Where verdicts and expectations part: one sentence each, in the order of oracles(). Empty: the
// case passes. What no expectation names must pass; unknown will do where no failure is expected.
std::vector<std::string> compare_with_expectations(const Case& plan, const Observation& seen,
                                                   const std::vector<Verdict>& verdicts);

}  // namespace loadproof::harness
