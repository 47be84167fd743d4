// Runs one case: a world is made of it, its observation judged, the verdicts held against what is
// expected.
//
// Uses the session's thread. Never fails: what cannot be run is a result of status kError.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/reporters/reporter.h"
#include "sim/world.h"

namespace loadproof::harness {

struct RunOptions {
  bool twice = false;                  // run again; any difference is a surprise
  std::vector<std::string> overrides;  // for the replay line, see replay.h
  // How the case itself is run, again too; empty: by the session. Its twins always are.
  std::function<Result<Observation>(const sim::WorldSpec&)> run_world = {};
};

// Points into the case, which must outlive it.
sim::WorldSpec world_of(const Case& plan);

CaseResult run_case(sim::Session& session, const Case& plan, const RunOptions& options);

// The first thing in which two observations differ, in words; "" where they are equal.
std::string first_difference(const Observation& first, const Observation& second);

}  // namespace loadproof::harness
