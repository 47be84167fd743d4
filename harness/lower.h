// From raw steps to a Program: verbs and arguments checked against the verb table, defaults filled
// in.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/argument.h"
#include "harness/step_tree.h"
#include "sim/program.h"

namespace loadproof::harness {

// Every name that a `mark` or a `read` of the steps gives as a flag.
void collect_flags(const std::vector<RawStep>& steps, std::set<std::string>& flags);

// REQUIRES: every use is expanded. Steps that are wrong are diagnosed and left out; the others are
// numbered and have ids: their own, or "VERB@LINE", with "#2" and so on where that is taken.
Program lower(const std::vector<RawStep>& steps, const Vocabulary& words, bool has_model,
              Diagnostics& diagnostics);

}  // namespace loadproof::harness
