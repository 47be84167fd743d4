// run --processes: one process for each rank, as a launcher has started them.
//
// All processes have the same plan. Rank 0 runs it and reports; the others run their rank of each
// case that it calls them to. A case of fewer ranks than there are processes is run by the first
// ones. What ranks in processes of their own cannot do is left out, and said.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/end_at.h"
#include "harness/launch_env.h"
#include "harness/reporters/reporter.h"
#include "harness/runner.h"
#include "sim/procs/job.h"

namespace loadproof::harness {

struct ProcessesOptions {
  Launched launched;
  std::chrono::milliseconds patience{60'000};  // for a rank of which nothing is heard
  RunOptions how;
  // In rank 0: why this machine cannot run the case, if it cannot (harness/needs.h).
  std::function<std::optional<std::string>(const Case&)> lacks = {};
  // See sim::JobPlace.
  std::function<void(const std::string&)> cannot_go_on = {};
  std::function<std::optional<sim::Ending>()> first_ended = {};
  std::function<std::string()> told_to_end = {};
  std::optional<EndAt> end_at = {};
};

// Why so many processes cannot run the case; "": they can.
std::string left_out(const Case& plan, int processes);

// Rank 0: every case, by its `take`. False: a rank was lost, or never came; the cases that it was
// needed for are errors that say so.
bool run_as_first(const std::vector<Case>& plan, const ProcessesOptions& options,
                  const std::function<void(CaseResult)>& take);
// Any other rank. An error: rank 0 is gone.
Result<void> run_as_other(const std::vector<Case>& plan, const ProcessesOptions& options);

}  // namespace loadproof::harness
