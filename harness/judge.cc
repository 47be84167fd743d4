#include "harness/judge.h"

namespace loadproof::harness {

std::vector<Verdict> judge(const Case& plan, const Observation& seen) {
  std::vector<Verdict> verdicts;
  for (const OracleInfo& oracle : oracles()) {
    if (plan.dry && !oracle.dry) {
      verdicts.push_back({.oracle = std::string(oracle.name),
                          .summary = "the case was run on shapes alone, without bytes",
                          .findings = {}});
      continue;
    }
    auto expectation = plan.expect.find(std::string(oracle.name));
    const bool placed = expectation != plan.expect.end() && expectation->second.at;
    verdicts.push_back(oracle.judge(plan, seen, placed ? *expectation->second.at : ""));
  }
  return verdicts;
}

}  // namespace loadproof::harness
