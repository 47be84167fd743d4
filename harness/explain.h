// A case in words: world, model, the program of each rank, and what must come out.
#pragma once

#include <string>

#include "harness/case.h"

namespace loadproof::harness {

// Ranks that run the same steps share a column. Arguments at their defaults are left out.
std::string explain(const Case& plan);

// A step as a scenario writes it: "alloc {of: meta, as: empty}"; without id and ranks.
std::string step_line(const Step& step);

// An expectation as a scenario writes it: "fail {ranks: 1, state: undefined}".
std::string expectation_line(const Expectation& expectation);
// What must be refused: "refuse load, on ranks r>0, by w.2".
std::string refusal_line(const Refusal& refusal);

}  // namespace loadproof::harness
