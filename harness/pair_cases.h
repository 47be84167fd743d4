// Which case of another loader stands beside a case.
//
// Pure functions over cases as plans have them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/case.h"
#include "sim/result.h"

namespace loadproof::harness {

struct CasePair {
  const Case* here = nullptr;
  const Case* there = nullptr;
};

// Two are beside each other when all axes that both have are equal, but for those `named`: of these
// somebody has said what they must be. With `same_file`, they are of one scenario. A case that
// would stand beside itself is left out.
// An error: a case has none, or several, or none is left.
Result<std::vector<CasePair>> pair_cases(const std::vector<Case>& here,
                                         const std::vector<Case>& there,
                                         const std::vector<std::string>& named, bool same_file);

// "variant=empty,size=one-node" → axes and values; nothing where it is none but a path.
std::vector<std::pair<std::string, std::string>> parse_axes(std::string_view text);

}  // namespace loadproof::harness
