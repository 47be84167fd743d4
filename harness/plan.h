// From paths on a command line to the cases that they mean.
//
// A path is a scenario file; a folder, for every *.yaml below it but those in folders called
// loaders, models or schema; or the id of a case, "x.yaml/axis=value/…", for that case. Nothing
// runs as long as anything is wrong: a plan with problems has no cases.
#pragma once

#include <string>
#include <vector>

#include "harness/case.h"
#include "harness/expand.h"
#include "harness/files.h"

namespace loadproof::harness {

struct Plan {
  std::vector<Case> cases;            // in the order of the paths, each id once
  std::vector<std::string> problems;  // as a person reads them, ending with a newline
};

// With several scenarios, `only` leaves out those that lack one of its axes or values; that none
// has them is a problem. So is a selection without any case.
Plan make_plan(const std::vector<std::string>& paths, const Overrides& overrides,
               const Files& files);

// The scenario files that a path means, and what a case id asks for beside.
struct Target {
  std::string file;
  std::vector<std::pair<std::string, std::string>> only;
};
Result<std::vector<Target>> find_targets(const std::string& path);

}  // namespace loadproof::harness
