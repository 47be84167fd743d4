// Updates that fail, in worlds that are run.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kTensors = "tensors: {\"w.{1..3}\": {shape: [4], value: 1}}\nsteps:\n";
const std::string kFilled = kTensors + "  - fill: {of: all, with: value}\n";

const FailedUpdate& failure_of(const CaseResult& result, size_t rank = 0) {
  const auto& failed = result.observation.ranks.at(rank).failed_updates;
  EXPECT_EQ(failed.size(), 1u);
  return failed.at(0);
}

std::vector<std::string> changed_in(const FailedUpdate& failed) {
  std::vector<std::string> told;
  for (const ChangedTensor& tensor : failed.changed)
    told.push_back(tensor.name + " " + std::string(name(tensor.state)));
  return told;
}

const Point& point_named(const CaseResult& result, std::string_view id, size_t rank = 0) {
  const Point* point = judged_point(result.observation.ranks.at(rank), id);
  EXPECT_NE(point, nullptr) << id;
  return *point;
}

TEST(Update, IsEndedByAnErrorThatTheRankOutlives) {
  const CaseResult result = run_text(kFilled + R"(
  - update:
      id: refit
      do:
        - fill:  {of: w.1, with: const, const: 2}
        - raise: {id: fault, error: no more}
        - fill:  {of: w.2, with: const, const: 2}
  - observe: {id: after}
)");
  const RankObservation& rank = result.observation.ranks.at(0);
  EXPECT_EQ(rank.outcome, Outcome::kFinished);
  const FailedUpdate& failed = failure_of(result);
  EXPECT_EQ(result.observation.steps.at(static_cast<size_t>(failed.step)).id, "refit");
  EXPECT_EQ(result.observation.steps.at(static_cast<size_t>(failed.raised_at)).id, "fault");
  EXPECT_EQ(failed.error, "no more");
  EXPECT_EQ(failed.on_error, "leave");
  EXPECT_EQ(failed.points, 0);
  EXPECT_EQ(rank.points.at(0).id, "after");
  EXPECT_THAT(changed_in(failed), ElementsAre("w.1 computed"));
  EXPECT_THAT(failed.unchanged, ElementsAre("w.2", "w.3"));
  EXPECT_THAT(findings_of(result, "no_error"), ElementsAre("0 update"));
  EXPECT_THAT(findings_of(result, "atomic"), ElementsAre("0 w.1 changed"));
}

TEST(Update, ThatSucceedsLeavesNoTrace) {
  const CaseResult result = run_text(kFilled + R"(
  - update: {on_error: restore, do: [{fill: {of: w.1, with: value}}]}
  - observe: {id: after}
)");
  EXPECT_THAT(result.observation.ranks.at(0).failed_updates, IsEmpty());
  EXPECT_THAT(result.surprises, IsEmpty());
}

// Content, storage, sharing, dtype, shape and states, of tensors with and without storage.
TEST(Update, RestoresEverythingThatTheRankHolds) {
  const CaseResult result = run_text(R"(
tensors:
  w.{1..4}: {shape: [4], value: 1}
  v: {shape: [4], value: 1}
steps:
  - fill:  {of: "w.* & !w.4", with: value}
  - alloc: {of: v, as: empty}
  - bind:  {of: w.2, to: w.1}
  - mark:  {of: w.1, flag: ready}
  - observe: {id: before}
  - update:
      on_error: restore
      do:
        - fill:  {of: w.1, with: const, const: 2}
        - copy:  {of: w.3, dtype: bfloat16}
        - shard: {of: w.3}
        - alloc: {of: w.2, as: zeros}
        - bind:  {of: v, to: w.1}
        - fill:  {of: w.4, with: ones}
        - mark:  {of: w.3, flag: ready}
        - observe: {id: inside}
        - raise: {error: no more}
  - observe: {id: after}
)");
  EXPECT_EQ(point_named(result, "after").tensors, point_named(result, "before").tensors);
  EXPECT_NE(point_named(result, "inside").tensors, point_named(result, "before").tensors);
  EXPECT_THAT(failure_of(result).changed, IsEmpty());
  EXPECT_THAT(failure_of(result).unchanged, ElementsAre("w.1", "w.2", "w.3", "w.4", "v"));
  EXPECT_THAT(findings_of(result, "atomic"), IsEmpty());
}

TEST(Update, MayBeOverOnAllTensorsWhenItFails) {
  const std::string steps = kFilled + "  - update: {do: [{fill: {of: all, with: ones}}, ";
  EXPECT_THAT(findings_of(run_text(steps + "{raise: {error: late}}]}\n"), "atomic"), IsEmpty());
  EXPECT_THAT(
      findings_of(run_text(steps + "{alloc: {of: w.3, as: empty}}, {raise: {error: e}}]}\n"),
                  "atomic"),
      ElementsAre("0 w.1 changed", "0 w.2 changed", "0 w.3 changed"));
}

TEST(Update, IsAboutTheTensorsThatItNames) {
  const CaseResult result = run_text(kFilled + R"(
  - update: {of: [w.1, w.2], do: [{fill: {of: "w.*[:2]", with: ones}}, {raise: {error: e}}]}
)");
  EXPECT_THAT(failure_of(result).unchanged, IsEmpty());
  EXPECT_THAT(findings_of(result, "atomic"), IsEmpty());
  const CaseResult of_none =
      run_text(kFilled + "  - update: {of: v.*, do: [{raise: {error: e}}]}\n");
  EXPECT_THAT(findings_of(of_none, "no_vacuous"), ElementsAre("0 empty"));
  EXPECT_THAT(findings_of(of_none, "no_error"), IsEmpty());
}

TEST(Update, EndsTheInnermostOneAndTheLoopGoesOn) {
  const CaseResult result = run_text(kFilled + R"(
  - update:
      id: outer
      do:
        - each:
            of: all
            do:
              - update:
                  id: inner
                  on_error: restore
                  do:
                    - fill:  {of: it, with: const, const: 2}
                    - each:  {of: all, do: [{raise: {of: it, when: w.2, error: e}}]}
        - fill: {of: w.3, with: const, const: 3}
  - observe: {id: after}
)");
  const auto& failed = result.observation.ranks.at(0).failed_updates;
  ASSERT_EQ(failed.size(), 3u);
  for (const FailedUpdate& one : failed) {
    EXPECT_EQ(result.observation.steps.at(static_cast<size_t>(one.step)).id, "inner");
    EXPECT_EQ(one.error, "e: w.2");
  }
  EXPECT_EQ(point_named(result, "after").tensors.at(0).states.at(0).chain,
            point_named(result, "after").tensors.at(1).states.at(0).chain);
  EXPECT_THAT(findings_of(result, "source"), ElementsAre("0 w.3 value"));
}

// Rank 1 holds w.2 on meta and raises as it posts it; the others have posted w.1 and then wait.
TEST(Update, FailsOnceWhatTheRankHasPostedHasMet) {
  const CaseResult result = run_text("world: {ranks: 2}\n" + kTensors + R"(
  - fill:  {of: all, ranks: 0, with: value}
  - alloc: {of: "!w.2", ranks: 1, as: empty}
  - update: {id: refit, do: [{broadcast: {id: sync, of: "w.*[:2]", src: 0}}]}
  - observe: {id: after, ranks: 1}
)");
  const FailedUpdate& failed = failure_of(result, 1);
  EXPECT_EQ(failed.error, "broadcast of w.2, which is on meta and has no data");
  EXPECT_THAT(changed_in(failed), ElementsAre("w.1 computed"));
  EXPECT_EQ(result.observation.ranks.at(0).outcome, Outcome::kBlocked);
  EXPECT_THAT(result.observation.ranks.at(0).failed_updates, IsEmpty());
  EXPECT_EQ(result.observation.ranks.at(1).outcome, Outcome::kFinished);
  EXPECT_THAT(findings_of(result, "symmetric_error"), ElementsAre("1 one-sided"));
  EXPECT_THAT(findings_of(result, "clear_error"), ElementsAre("0 hidden"));
}

TEST(Update, LetsRanksMeetInsideAndAfterIt) {
  const CaseResult result = run_text("world: {ranks: 2}\n" + kFilled + R"(
  - update:
      on_error: restore
      do:
        - broadcast: {of: w.1, src: 0}
        - raise:     {ranks: 1, of: w.1, error: refused}
        - fill:      {of: w.1, with: value}
  - barrier: {id: meet}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), IsEmpty());
  EXPECT_THAT(findings_of(result, "no_error"), ElementsAre("1 update"));
  EXPECT_THAT(findings_of(result, "symmetric_error"), ElementsAre("1 one-sided"));
  EXPECT_THAT(findings_of(result, "clear_error"), IsEmpty());
}

TEST(Update, ThatFailsOnOneRankTearsTheWorld) {
  const std::string text = "world: {ranks: 2}\n" + kFilled + R"(
  - update:
      id: refit
      do:
        - raise: {id: fault, ranks: last, error: lost}
        - fill:  {of: all, with: ones}
)";
  EXPECT_THAT(findings_of(run_text(text), "atomic"), ElementsAre("1 torn"));
  EXPECT_THAT(run_text(text).observation.ranks.at(0).finished_updates.at(0).changed,
              ElementsAre("w.1", "w.2", "w.3"));
}

TEST(Update, ThatFailsOnAllRanksTearsNothing) {
  const CaseResult result = run_text("world: {ranks: 2}\n" + kFilled + R"(
  - update: {do: [{raise: {error: lost}}, {fill: {of: all, with: ones}}]}
)");
  EXPECT_THAT(findings_of(result, "atomic"), IsEmpty());
}

TEST(Update, DoesNotCatchBeingAborted) {
  const CaseResult result = run_text("world: {ranks: 2}\n" + kFilled + R"(
  - copy:   {of: w.1, ranks: 1, dtype: bfloat16}
  - update: {on_error: restore, do: [{broadcast: {of: w.1, src: 0, match: bytes}}]}
)");
  EXPECT_EQ(result.observation.ranks.at(1).outcome, Outcome::kAborted);
  EXPECT_THAT(result.observation.ranks.at(1).failed_updates, IsEmpty());
}

TEST(Update, DoesNotCatchDyingInSampling) {
  const CaseResult result = run_text(R"(model: ../models/qwen2_tied_bf16
steps:
  - alloc:  {of: all, as: empty}
  - update: {on_error: restore, do: [{sample: {tokens: 1}}]}
)");
  EXPECT_EQ(result.observation.ranks.at(0).outcome, Outcome::kDiedSampling);
  EXPECT_THAT(result.observation.ranks.at(0).failed_updates, IsEmpty());
}

TEST(Raise, HappensOnlyWhereATensorIsSelectedAndNamesIt) {
  const std::string loop = "  - each: {of: all, do: [{raise: {of: it, when: w.2, error: bad}}]}\n";
  const RankObservation rank = run_text(kFilled + loop).observation.ranks.at(0);
  EXPECT_EQ(rank.outcome, Outcome::kRaised);
  EXPECT_EQ(rank.error, "bad: w.2");
  const std::string never = "  - raise: {of: all, when: meta, error: bad}\n";
  EXPECT_EQ(run_text(kFilled + never).observation.ranks.at(0).outcome, Outcome::kFinished);
  EXPECT_EQ(run_text(kTensors + never).observation.ranks.at(0).error, "bad: w.1");
  EXPECT_EQ(run_text(kTensors + "  - raise: {error: bad}\n").observation.ranks.at(0).error, "bad");
}

}  // namespace
}  // namespace loadproof::harness
