// All cases of a scenario, in order: the product of its axes, after the command line's wishes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario.h"

namespace loadproof::harness {

// What the command line asks for beside the file. A value for a swept field leaves that one value.
struct Overrides {
  std::vector<std::pair<std::string, std::string>> only =
      {};  // axis, value; several of one axis: any
  std::optional<int64_t> ranks = {};
  std::optional<std::string> dtype = {};
  std::optional<std::string> model = {};  // from the working directory
  std::optional<std::string> fill = {};   // a fill, or all
  bool dry = false;
  std::optional<uint64_t> seed = {};
  std::optional<std::string> backend = {};
  std::optional<std::string> device = {};
};

struct Expanded {
  std::vector<Case> cases;              // empty if there is a diagnostic
  std::vector<Diagnostic> diagnostics;  // of options: line 0, file "--only" and so on
};

Expanded expand(const Scenario& scenario, const Overrides& overrides = {});

}  // namespace loadproof::harness
