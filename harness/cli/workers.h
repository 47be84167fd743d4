// --jobs: cases shared out among processes of this program.
//
// Processes and not threads, since the fill and the ledger belong to a process's one allocator.
// Worker I of N runs every N-th case from the I-th on, and writes each result as a line of JSON to
// its standard output, which is read here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/reporters/reporter.h"

namespace loadproof::harness {

// `words`: the command line that makes the same plan, without its program and command. `take` gets
// each result as soon as it and all before it in the plan are there. Where a worker died, the cases
// that it had not finished are errors which say how. On return every worker has ended.
void run_in_workers(const std::vector<Case>& plan, size_t jobs,
                    const std::vector<std::string>& words,
                    const std::function<void(CaseResult)>& take);

}  // namespace loadproof::harness
