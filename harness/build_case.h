// One case of a scenario: patches applied, recipes expanded, the program checked, the rule chosen.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/case.h"
#include "harness/scenario.h"

namespace loadproof::harness {

// A setting given from outside; applied after all patches.
struct Assignment {
  std::string path;
  Node value;
};

// The scenario's program and settings with the chosen options' patches, recipes expanded.
// `last`: one more patch, after all others. `variant`: in place of the one that is chosen.
Draft build_draft(const Scenario& scenario, const std::vector<size_t>& choice, Library& library,
                  Diagnostics& diagnostics, const Patch* last = nullptr,
                  const Option* variant = nullptr);

// The expectations that the chosen options ask for: those of the last option that has its own, else
// the scenario's; nullptr: there are none, all must pass.
const Expect* expect_of(const Scenario& scenario, const std::vector<size_t>& choice);
// The first rule of them that applies; nullptr: none.
const ExpectRule* rule_of(const Expect& expect, const Scenario& scenario,
                          const std::vector<size_t>& choice);

// "PATH/axis=value/…".
std::string case_id(const Scenario& scenario, const std::vector<size_t>& choice);

// Wrong parts are diagnosed, and missing in the case.
Case build_case(const Scenario& scenario, const std::vector<size_t>& choice,
                const std::vector<Assignment>& assignments, Library& library,
                Diagnostics& diagnostics);

}  // namespace loadproof::harness
