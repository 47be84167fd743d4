// Scenarios that are texts, run for real: what tests of the simulated world from outside share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/runner.h"
#include "tests/harness/front_end.h"

namespace loadproof::harness {

// What a scenario calls "../models/qwen2_tied_bf16".
inline const std::string kRealModel = "scenarios/models/qwen2_tied_bf16";

// Of a scenario with one case; its model is that one, or none. It is run twice: both runs must be
// the same.
inline CaseResult run_text(const std::string& text) {
  const Parsed parsed = parse_text("about: a\n" + text, {{kRealModel + "/config.json", "{}"}});
  EXPECT_TRUE(parsed.scenario) << print(parsed.diagnostics, parsed.sources);
  if (!parsed.scenario) return {};
  const Expanded expanded = expand(*parsed.scenario, {});
  EXPECT_EQ(expanded.cases.size(), 1u) << print(expanded.diagnostics, parsed.sources);
  sim::Session session;
  CaseResult result = run_case(session, expanded.cases.at(0), {.twice = true});
  for (const std::string& surprise : result.surprises)
    EXPECT_EQ(surprise.find("the second run"), surprise.npos) << surprise;
  return result;
}

inline const Verdict& verdict_in(const CaseResult& result, std::string_view oracle) {
  for (const Verdict& verdict : result.verdicts)
    if (verdict.oracle == oracle) return verdict;
  static const Verdict none;
  ADD_FAILURE() << "no verdict of " << oracle;
  return none;
}

// "RANK TENSOR KIND" of each finding; what it does not tell is left out.
inline std::vector<std::string> findings_of(const CaseResult& result, std::string_view oracle) {
  std::vector<std::string> told;
  for (const Finding& finding : verdict_in(result, oracle).findings)
    told.push_back(std::to_string(finding.rank) +
                   (finding.tensor.empty() ? "" : " " + finding.tensor) + " " + finding.kind);
  return told;
}

}  // namespace loadproof::harness
