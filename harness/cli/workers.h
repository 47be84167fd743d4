// --jobs: cases shared out among processes of this program.
//
// Processes and not threads, since the fill and the ledger belong to a process's one allocator.
// Each runs every N-th case and leaves its results in a JSON report, which is read back here.
#pragma once

#include <string>
#include <vector>

#include "harness/reporters/reporter.h"

namespace loadproof::harness {

// `words`: the command line that makes the same plan, without its program and command. Results in
// the order of the plan; where a worker died, the cases that it had not finished are errors.
std::vector<CaseResult> run_in_workers(const std::vector<Case>& plan, size_t jobs,
                                       const std::vector<std::string>& words);

}  // namespace loadproof::harness
