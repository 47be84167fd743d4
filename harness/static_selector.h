// Selectors where there is no rank: which of the observed tensors an expectation names.
//
// A pure function with the meaning of resolve() in sim/rank.h, over what was observed at one point.
#pragma once

#include <string>
#include <vector>

#include "harness/case.h"
#include "sim/observation.h"
#include "sim/result.h"

namespace loadproof::harness {

// Names in the order of the point's tensors. `param` gives parameters that share storage once, the
// first. An error tells a word that an observation cannot answer: module(…), it.
Result<std::vector<std::string>> resolve_static(const Selector& selector, const Case& plan,
                                                const Point& point);

}  // namespace loadproof::harness
