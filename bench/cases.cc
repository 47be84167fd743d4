#include "bench/cases.h"

#include <cstdlib>
#include <iostream>

#include "harness/oracles/oracle.h"
#include "harness/plan.h"
#include "harness/scenario.h"

namespace loadproof::bench {

using namespace loadproof::harness;

Case case_of_text(const std::string& text) {
  const Files files{
      .read = [&](const std::string&) -> Result<std::string> { return "about: a\n" + text; },
      .list = [](const std::string&) { return std::vector<std::string>(); }};
  std::vector<std::string_view> names;
  for (const OracleInfo& oracle : oracles()) names.push_back(oracle.name);
  const Parsed parsed = parse_scenario("scenarios/smoke/text.yaml", files, names);
  if (!parsed.scenario) {
    std::cerr << print(parsed.diagnostics, parsed.sources);
    std::exit(2);
  }
  const Expanded expanded = expand(*parsed.scenario);
  if (expanded.cases.size() != 1) {
    std::cerr << print(expanded.diagnostics, parsed.sources);
    std::exit(2);
  }
  return expanded.cases[0];
}

Case case_of_file(const std::string& path, const Overrides& wishes) {
  const Plan plan = make_plan({path}, wishes, disk_files());
  for (const std::string& problem : plan.problems) std::cerr << problem;
  if (plan.cases.size() != 1) std::exit(2);
  return plan.cases[0];
}

std::string first_run(sim::Session& session, const Case& plan) {
  const CaseResult result = run_case(session, plan, {});
  if (result.status == Status::kPass) return "";
  if (!result.error.empty()) return result.error;
  return result.surprises.empty() ? "the case does not pass" : result.surprises[0];
}

}  // namespace loadproof::bench
