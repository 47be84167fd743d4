#include "harness/runner.h"

#include <fmt/format.h>

#include <chrono>

#include "harness/judge.h"
#include "harness/replay.h"
#include "harness/twins.h"

namespace loadproof::harness {
namespace {

Result<Observation> run_world(sim::Session& session, const Case& plan, const RunOptions& options) {
  const sim::WorldSpec spec = world_of(plan);
  return options.run_world ? options.run_world(spec) : session.run(spec);
}

void run_again(sim::Session& session, const RunOptions& options, CaseResult& result) {
  auto second = run_world(session, result.plan, options);
  if (!second) {
    result.error = "the second run could not be made: " + second.error().message;
    return;
  }
  second->twins = result.observation.twins;  // they are not run again
  second->baselines = result.observation.baselines;
  const std::string difference = first_difference(result.observation, *second);
  if (!difference.empty())
    result.surprises.push_back("the second run differs from the first: " + difference);
}

}  // namespace

namespace {

// An error of the harness: a twin could not be run at all.
void run_twins(sim::Session& session, const Case& plan, Observation& seen,
               std::vector<std::string>& surprises) {
  std::vector<TwinDifference> differences;
  for (const Twin& twin : plan.twins) {
    sim::WorldSpec spec = world_of(twin.plan);
    spec.contents = true;
    const auto other = session.run(spec);
    if (!other) {
      surprises.push_back(fmt::format("the case cannot be run with {} {}: {}", twin.axis,
                                      twin.value, other.error().message));
      continue;
    }
    for (TwinDifference& one : compare_twin(seen, twin, *other))
      differences.push_back(std::move(one));
  }
  seen.twins = std::move(differences);
}

// Variants that the budget is told in shares of.
void run_baselines(sim::Session& session, const Case& plan, Observation& seen,
                   std::vector<std::string>& surprises) {
  for (const Twin& baseline : plan.baselines) {
    sim::WorldSpec spec = world_of(baseline.plan);
    spec.memory = true;
    auto other = session.run(spec);
    if (other)
      seen.baselines.push_back({baseline.value, std::move(other->peaks)});
    else
      surprises.push_back(fmt::format("variant {}, of which the budget is a share, cannot be run: "
                                      "{}", baseline.value, other.error().message));
  }
}

}  // namespace

sim::WorldSpec world_of(const Case& plan) {
  sim::WorldSpec spec;
  spec.topology = plan.topology;
  spec.backend = plan.backend;
  spec.device = plan.device;
  spec.model = plan.model;
  spec.dtype = plan.dtype;
  for (const ExtraTensor& extra : plan.tensors) spec.extras.push_back(extra.spec);
  spec.stores = plan.stores;
  spec.program = &plan.program;
  spec.source = plan.source ? &*plan.source : nullptr;
  spec.fill = plan.fill;
  spec.attention = plan.attention;
  spec.seed = plan.seed;
  spec.schedule = plan.schedule;
  spec.memory = plan.budget.any();
  spec.dry = plan.dry;
  spec.links = plan.links;
  spec.contents = !plan.twins.empty();
  spec.writes = plan.writes_max.has_value();
  return spec;
}

CaseResult run_case(sim::Session& session, const Case& plan, const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  CaseResult result;
  result.plan = plan;
  result.replay = replay_line(plan, options.overrides);
  auto seen = run_world(session, result.plan, options);
  if (seen) {
    result.observation = std::move(*seen);
    std::vector<std::string> broken;
    run_twins(session, result.plan, result.observation, broken);
    run_baselines(session, result.plan, result.observation, broken);
    result.verdicts = judge(result.plan, result.observation);
    result.surprises =
        compare_with_expectations(result.plan, result.observation, result.verdicts);
    result.surprises.insert(result.surprises.end(), broken.begin(), broken.end());
    if (options.twice) run_again(session, options, result);
    result.status = !result.error.empty()       ? Status::kError
                    : result.surprises.empty() ? Status::kPass
                                               : Status::kFail;
  } else {
    result.error = seen.error().message;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace loadproof::harness
