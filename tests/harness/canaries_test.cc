// Every oracle has a scenario in which it must fail, and as few others as can be: an oracle that
// falls silent is told by its own canary.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "harness/expectation.h"
#include "harness/oracles/oracle.h"
#include "harness/plan.h"
#include "harness/runner.h"

namespace loadproof::harness {
namespace {

using ::testing::IsEmpty;
using Names = std::set<std::string>;

constexpr const char* kFolder = "scenarios/canaries";

const std::vector<Case>& canaries() {
  static const std::vector<Case> all = [] {
    Plan plan = make_plan({kFolder}, {}, disk_files());
    EXPECT_THAT(plan.problems, IsEmpty());
    return std::move(plan.cases);
  }();
  return all;
}

// A canary's file is called as its oracle.
std::string oracle_of(const Case& plan) {
  const size_t begin = std::string(kFolder).size() + 1;
  return plan.scenario.substr(begin, plan.scenario.rfind('.') - begin);
}

// Oracles that must fail, too: what these judge is about an error, which somebody raised.
const Names& companions(const std::string& oracle) {
  static const std::map<std::string, Names> all = {
      {"atomic", {"no_error"}},
      {"clear_error", {"no_error", "no_hang", "symmetric_error", "atomic"}},
      {"no_error", {"no_hang"}},
      {"symmetric_error", {"no_error"}},
  };
  static const Names none;
  const auto found = all.find(oracle);
  return found == all.end() ? none : found->second;
}

TEST(Canaries, EveryOracleHasOneInWhichItMustFail) {
  Names expected, alone;
  for (const Case& plan : canaries())
    for (const auto& [oracle, expectation] : plan.expect) {
      if (expectation.expected != Expected::kFail) continue;
      expected.insert(oracle);
      if (plan.expect.size() == 1) alone.insert(oracle);
    }
  for (const OracleInfo& oracle : oracles()) {
    const std::string name(oracle.name);
    EXPECT_TRUE(expected.contains(name)) << "add " << kFolder << "/" << name << ".yaml";
    const bool has_company = name != "no_error" && !companions(name).empty();
    EXPECT_TRUE(has_company || alone.contains(name)) << name << " never fails alone";
  }
}

TEST(Canaries, ExpectTheOracleTheyAreCalledAfter) {
  for (const Case& plan : canaries()) {
    const std::string oracle = oracle_of(plan);
    ASSERT_NE(find_oracle(oracle), nullptr) << plan.scenario << " is called after no oracle";
    EXPECT_TRUE(plan.expect.contains(oracle)) << plan.id;
    for (const auto& [name, expectation] : plan.expect) {
      EXPECT_EQ(expectation.expected, Expected::kFail) << plan.id << " " << name;
      EXPECT_TRUE(name == oracle || companions(oracle).contains(name)) << plan.id << " " << name;
    }
  }
}

TEST(Canaries, FailExactlyAsTheyMust) {
  sim::Session session;
  for (const Case& plan : canaries()) {
    const CaseResult result = run_case(session, plan, {.twice = true});
    EXPECT_EQ(result.status, Status::kPass) << plan.id << " " << result.error;
    EXPECT_THAT(result.surprises, IsEmpty()) << plan.id;
    Names failed;
    for (const Verdict& verdict : result.verdicts)
      if (verdict.judgement == Judgement::kFail) failed.insert(verdict.oracle);
    EXPECT_EQ(failed.size(), plan.expect.size()) << plan.id;
  }
}

TEST(Canaries, HaveEveryKindOfMismatch) {
  Names missing;
  for (const std::string& kind : kinds_of("no_hang")) missing.insert(kind);
  for (const Case& plan : canaries())
    for (const auto& [oracle, expectation] : plan.expect)
      if (oracle == "no_hang")
        for (const std::string& kind : expectation.kinds) missing.erase(kind);
  EXPECT_THAT(missing, IsEmpty());
}

}  // namespace
}  // namespace loadproof::harness
