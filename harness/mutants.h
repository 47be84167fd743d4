// Mutants: a case's program with one mistake in it, such as a person could make.
//
//   drop, duplicate, swap with the next step beside it, run it on other ranks, another src
//
// Of every step, those inside `each` and `update` too. A mutant is run as the case would be; that
// no oracle notices it means that the mistake changes nothing, or that nothing looks there.
#pragma once

#include <string>
#include <vector>

#include "harness/case.h"
#include "harness/runner.h"

namespace loadproof::harness {

struct Mutant {
  std::string step;    // the id of the step that is changed
  std::string change;  // "drop", "duplicate", "swap with ID", "ranks: r>0", "src: 1"
  Program program;     // numbered
};

// In the order of the steps, and of a step's changes as above. A change that leaves the program as
// it is, such as other words for the same ranks, is no mutant.
std::vector<Mutant> mutants_of(const Case& plan);

// Whether every oracle is expected to pass.
bool must_pass_wholly(const Case& plan);

enum class Fate : uint8_t { kCaught, kRefused, kSurvived };

struct Trial {
  Fate fate = Fate::kCaught;
  std::vector<std::string> caught_by;  // oracles; "tokens", where only the expected ones tell
  bool same_result = false;            // of a survivor
};

// Runs the mutant in place of the case that gave `original`.
Trial try_mutant(sim::Session& session, const Case& plan, const Observation& original,
                 const Mutant& mutant);

// Whether all ranks hold the same bits of all tensors at the end, scratch memory left out, and
// every `sample` that both ran drew the same tokens.
bool same_result(const Observation& original, const Observation& mutant);

}  // namespace loadproof::harness
