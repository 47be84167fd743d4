#include "harness/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "harness/fill_twins.h"
#include "harness/judge.h"
#include "harness/plan.h"
#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string after(const std::function<void(Observation&)>& change) {
  Observation second = founding_world();
  change(second);
  return first_difference(founding_world(), second);
}

TEST(Difference, NamesTheFirstThingThatIsNotTheSame) {
  EXPECT_EQ(after([](Observation&) {}), "");
  EXPECT_EQ(after([](Observation& o) { o.ranks.pop_back(); }), "the number of ranks");
  EXPECT_EQ(after([](Observation& o) { o.ranks[1].points[0].tensors[1].digest = 9; }),
            "rank 1, at 'generate', head: the bytes");
  EXPECT_EQ(after([](Observation& o) { o.ranks[0].points[1].tensors[0].states[0].end = 9; }),
            "rank 0, at 'end', embed: the states");
  EXPECT_EQ(after([](Observation& o) { o.ranks[0].points[1].tensors.pop_back(); }),
            "rank 0, at 'end': the number of tensors");
  EXPECT_EQ(after([](Observation& o) { o.ranks[0].generations[0].tokens[0] = 9; }),
            "rank 0, generation 0: the tokens");
  EXPECT_EQ(after([](Observation& o) { o.ranks[0].generations[0].max_prob = 9; }),
            "rank 0, generation 0: its description");
  EXPECT_EQ(after([](Observation& o) { o.ranks[1].error = "x"; }), "rank 1, the error");
  EXPECT_EQ(after([](Observation& o) { o.ranks[1].failed_updates.emplace_back(); }),
            "rank 1, updates that failed");
  EXPECT_EQ(after([](Observation& o) { o.waits.emplace_back(); }), "who waits");
  EXPECT_EQ(after([](Observation& o) { o.fingerprint = 9; }),
            "the fingerprint of the event log");
  EXPECT_EQ(after([](Observation& o) { o.steps[0].line = 9; }), "the steps");
}

TEST(Difference, IsNotThatNanIsUnequalToItself) {
  Observation seen = founding_world();
  seen.ranks[1].generations[0].max_prob = std::nan("");
  EXPECT_EQ(first_difference(seen, seen), "");
}

CaseResult filled(const std::string& fill, const Observation& seen) {
  CaseResult result;
  result.plan = plan_for(seen);
  result.plan.fill = fill;
  result.plan.axes.emplace_back("fill", fill);
  result.observation = seen;
  result.verdicts = judge(result.plan, seen);
  result.status = Status::kPass;
  return result;
}

TEST(FillTwins, MustAgreeOnWhatIsDefined) {
  FillTwins twins;
  CaseResult nan = filled("nan", founding_world()), zeros = filled("zeros", founding_world());
  twins.check(nan);
  twins.check(zeros);
  EXPECT_THAT(nan.surprises, IsEmpty());
  EXPECT_THAT(zeros.surprises, IsEmpty());
  CaseResult huge = filled("huge", sound_world());
  twins.check(huge);
  EXPECT_THAT(huge.surprises, ElementsAre(HasSubstr("defined must not depend on the fill")));
  EXPECT_EQ(huge.status, Status::kFail);
}

TEST(FillTwins, AreOnlyCasesThatDifferInTheFillAlone) {
  FillTwins twins;
  CaseResult nan = filled("nan", founding_world()), other = filled("zeros", sound_world());
  other.plan.axes[0].second = "float16";
  twins.check(nan);
  twins.check(other);
  EXPECT_THAT(other.surprises, IsEmpty());
  CaseResult unswept = filled("zeros", sound_world());
  unswept.plan.axes.pop_back();
  twins.check(unswept);
  EXPECT_THAT(unswept.surprises, IsEmpty());
}

std::vector<Case> smoke() {
  Plan plan = make_plan({"scenarios/smoke/ram_efficient_loading.yaml"}, {.backend = "sim"},
                        disk_files());
  EXPECT_THAT(plan.problems, IsEmpty());
  return std::move(plan.cases);
}

TEST(Runner, RunsJudgesAndComparesACase) {
  sim::Session session;
  for (const Case& one : smoke()) {
    const CaseResult result = run_case(session, one, {.twice = true});
    EXPECT_EQ(result.status, Status::kPass) << one.id;
    EXPECT_THAT(result.surprises, IsEmpty()) << one.id;
    EXPECT_EQ(result.verdicts.size(), oracles().size());
    EXPECT_THAT(result.replay, HasSubstr("--only variant="));
    EXPECT_GT(result.seconds, 0);
  }
}

TEST(Runner, FailsACaseThatExpectsSomethingElse) {
  sim::Session session;
  std::vector<Case> cases = smoke();
  for (Case& one : cases) {
    one.expect.clear();
    one.expect["alias"] = {.expected = Expected::kFail};
    const CaseResult result = run_case(session, one, {});
    EXPECT_EQ(result.status, Status::kFail) << one.id;
    EXPECT_THAT(result.surprises, ::testing::Contains(HasSubstr("alias must fail")));
  }
}

TEST(Runner, TellsWhyACaseCannotRun) {
  sim::Session session;
  Case one = smoke().front();
  one.model = "tests/data/nothing_here";
  const CaseResult result = run_case(session, one, {});
  EXPECT_EQ(result.status, Status::kError);
  EXPECT_THAT(result.error, HasSubstr("nothing_here"));
  EXPECT_THAT(result.verdicts, IsEmpty());
}

}  // namespace
}  // namespace loadproof::harness::testing
