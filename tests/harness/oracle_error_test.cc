// symmetric_error, clear_error, atomic: what they say of errors, and of updates that failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The loader's steps, of which only rank 0 runs the read.
Case plan_of(const Observation& seen) {
  Case plan = plan_for(seen);
  for (const StepLabel& label : seen.steps) {
    loadproof::Step& step = plan.program.steps.emplace_back();
    step.id = label.id;
    if (label.verb == "read") step.ranks = *RankSet::parse("0");
  }
  number_steps(plan.program);
  return plan;
}

std::vector<std::string> told_by(std::string_view oracle, const Observation& seen) {
  std::vector<std::string> told;
  for (const Finding& finding : find_oracle(oracle)->judge(plan_of(seen), seen, "").findings)
    told.push_back(std::to_string(finding.rank) +
                   (finding.tensor.empty() ? "" : " " + finding.tensor) + " " + finding.kind);
  return told;
}

std::string first_text(std::string_view oracle, const Observation& seen) {
  return find_oracle(oracle)->judge(plan_of(seen), seen, "").findings.at(0).text;
}

RankObservation raising(int index, int32_t step, std::string error = "size mismatch for embed") {
  RankObservation one = rank(index, {loaded("embed")});
  stopped(one, Outcome::kRaised, std::move(error));
  one.stopped_at = step;
  return one;
}

RankObservation with_outcome(int index, Outcome outcome) {
  RankObservation one = rank(index, {loaded("embed")});
  if (outcome != Outcome::kFinished) stopped(one, outcome);
  return one;
}

FailedUpdate failed(std::vector<std::string> unchanged, std::vector<ChangedTensor> changed) {
  return {.step = kHold,
          .raised_at = kSync,
          .error = "unknown tensor: embed",
          .on_error = "leave",
          .unchanged = std::move(unchanged),
          .changed = std::move(changed)};
}

ChangedTensor changed(std::string tensor, StateKind state) {
  return {.name = std::move(tensor), .state = state};
}

RankObservation updating(int index, FailedUpdate update) {
  RankObservation one = rank(index, {loaded("embed"), on_meta("head")});
  one.failed_updates.push_back(std::move(update));
  return one;
}

TEST(SymmetricError, PassesWhereNobodyOrEverybodyRaises) {
  EXPECT_THAT(told_by("symmetric_error", sound_world()), IsEmpty());
  EXPECT_THAT(told_by("symmetric_error", world({raising(0, kSync), raising(1, kSync)})), IsEmpty());
}

TEST(SymmetricError, TellsWhoRaisedAndWhoDidNot) {
  const Observation seen =
      world({raising(0, kSync), with_outcome(1, Outcome::kBlocked), raising(2, kSync),
             with_outcome(3, Outcome::kFinished), with_outcome(4, Outcome::kBlocked)});
  EXPECT_THAT(told_by("symmetric_error", seen), ElementsAre("0 one-sided", "2 one-sided"));
  EXPECT_EQ(first_text("symmetric_error", seen),
            "rank 0 raised at 'sync' (broadcast, x.yaml:6), and ranks 1, 4 (waiting for ever), "
            "rank 3 (finished) did not: size mismatch for embed");
}

TEST(SymmetricError, AsksForTheSameStepOfThoseWhoRunIt) {
  EXPECT_THAT(told_by("symmetric_error", world({raising(0, kHold), raising(1, kSync)})),
              ElementsAre("0 one-sided", "1 one-sided"));
  // Rank 1 does not run the read, so it may raise elsewhere; rank 0 runs all.
  EXPECT_THAT(told_by("symmetric_error", world({raising(0, kRead), raising(1, kSync)})),
              ElementsAre("1 one-sided"));
}

TEST(SymmetricError, CountsFailedUpdatesAndNothingElse) {
  EXPECT_THAT(
      told_by("symmetric_error", world({updating(0, failed({"embed"}, {})), raising(1, kSync)})),
      IsEmpty());
  EXPECT_THAT(told_by("symmetric_error", world({updating(0, failed({"embed"}, {})),
                                                with_outcome(1, Outcome::kAborted)})),
              ElementsAre("0 one-sided"));
  RankObservation died = rank(0, {loaded("embed")});
  sampled(died, 3);
  EXPECT_THAT(told_by("symmetric_error", world({died, with_outcome(1, Outcome::kFinished)})),
              IsEmpty());
}

TEST(ClearError, WantsATensorOrAFileInTheText) {
  for (const char* text : {"size mismatch for embed", "embed: gone",
                           "cannot open 'a-1.safetensors'", "embed.", "no model.bin: stopping"})
    EXPECT_THAT(told_by("clear_error", world({raising(0, kSync, text)})), IsEmpty()) << text;
  for (const char* text : {"shape [] is invalid", "embedding is gone", "lm.embed is gone",
                           "embed.weight is gone", "no .bin here", "a.binary", ""})
    EXPECT_THAT(told_by("clear_error", world({raising(0, kSync, text)})), ElementsAre("0 vague"))
        << text;
}

TEST(ClearError, TellsWhomATimeOutHidesTheErrorFrom) {
  const Observation seen =
      world({with_outcome(0, Outcome::kBlocked), raising(1, kRead), rank(2, {loaded("embed")})});
  EXPECT_THAT(told_by("clear_error", seen), ElementsAre("0 hidden"));
  EXPECT_EQ(first_text("clear_error", seen),
            "rank 0 ends by a time-out at 'sync' (broadcast, x.yaml:6), which hides that rank 1 "
            "raised at 'read@4' (read, x.yaml:4): size mismatch for embed");
  EXPECT_THAT(told_by("clear_error", world({with_outcome(0, Outcome::kBlocked)})), IsEmpty());
  RankObservation own = updating(0, failed({"embed"}, {}));
  own.outcome = Outcome::kBlocked;
  EXPECT_THAT(told_by("clear_error", world({own})), IsEmpty()) << "it knows its own error";
}

TEST(ClearError, TellsOfRequestsThatFindTensorsOnMetaAfterAFailedUpdate) {
  RankObservation one = updating(0, failed({"embed"}, {changed("head", StateKind::kMeta)}));
  EXPECT_THAT(told_by("clear_error", world({one})), IsEmpty()) << "nobody has asked yet";
  sampled(one, 0);
  EXPECT_THAT(told_by("clear_error", world({one})), ElementsAre("0 head late"));
  EXPECT_THAT(first_text("clear_error", world({one})),
              HasSubstr("on meta for 'generate' (sample, x.yaml:7), a cause that only the error of "
                        "update 'hold' (alloc, x.yaml:5) told: unknown tensor: embed"));
  one.failed_updates[0].points = 1;
  EXPECT_THAT(told_by("clear_error", world({one})), IsEmpty()) << "the request came before";
  one.failed_updates[0] = failed({"embed", "head"}, {});
  EXPECT_THAT(told_by("clear_error", world({one})), IsEmpty()) << "it was on meta before";
}

TEST(Atomic, PassesWhenAllTensorsAreOldOrAllAreNew) {
  EXPECT_THAT(told_by("atomic", sound_world()), IsEmpty());
  EXPECT_THAT(told_by("atomic", world({updating(0, failed({"embed", "head"}, {}))})), IsEmpty());
  const FailedUpdate all_new =
      failed({}, {changed("embed", StateKind::kLoaded), changed("head", StateKind::kComputed)});
  EXPECT_THAT(told_by("atomic", world({updating(0, all_new)})), IsEmpty());
}

TEST(Atomic, NamesWhatChangedWithItsState) {
  const Observation mixed =
      world({updating(0, failed({"head"}, {changed("embed", StateKind::kLoaded)}))});
  EXPECT_THAT(told_by("atomic", mixed), ElementsAre("0 embed changed"));
  EXPECT_EQ(first_text("atomic", mixed),
            "rank 0, embed: is new (loaded) after update 'hold' (alloc, x.yaml:5) failed; 1 tensor "
            "is as before");
}

TEST(Atomic, CountsWhatIsTakenDownAsNeitherOldNorNew) {
  const Observation seen =
      world({updating(0, failed({}, {changed("embed", StateKind::kMeta),
                                     changed("head", StateKind::kUndefined)}))});
  EXPECT_THAT(told_by("atomic", seen), ElementsAre("0 embed changed", "0 head changed"));
  EXPECT_THAT(first_text("atomic", seen), HasSubstr("embed: is neither old nor new (meta)"));
}

TEST(Atomic, JudgesOnlyWhatTheUpdateIsAbout) {
  ChangedTensor other = changed("head", StateKind::kMeta);
  other.judged = false;
  EXPECT_THAT(told_by("atomic", world({updating(0, failed({"embed"}, {other}))})), IsEmpty());
}

RankObservation renewing(int index, std::vector<std::string> tensors, int64_t run = 0) {
  RankObservation one = rank(index, {loaded("embed"), loaded("head")});
  one.finished_updates.push_back({kHold, run, std::move(tensors)});
  return one;
}

TEST(Atomic, WantsAllRanksOldOrAllNew) {
  const RankObservation old = updating(1, failed({"embed", "head"}, {}));
  const RankObservation half =
      updating(1, failed({"head"}, {changed("embed", StateKind::kLoaded)}));
  const RankObservation anew = updating(1, failed({}, {changed("embed", StateKind::kLoaded)}));
  EXPECT_THAT(told_by("atomic", world({renewing(0, {"embed"}), old})), ElementsAre("1 torn"));
  EXPECT_EQ(
      first_text("atomic", world({renewing(0, {"embed"}), old})),
      "rank 1: is as before after update 'hold' (alloc, x.yaml:5) failed there, and rank 0 is "
      "new");
  EXPECT_THAT(told_by("atomic", world({updating(0, anew.failed_updates[0]), old})),
              ElementsAre("1 torn"));
  EXPECT_THAT(told_by("atomic", world({renewing(0, {"embed"}), half})),
              ElementsAre("1 embed changed"));
  EXPECT_THAT(told_by("atomic", world({renewing(0, {"embed"}), anew})), IsEmpty());
  EXPECT_THAT(told_by("atomic", world({renewing(0, {}), old})), IsEmpty()) << "nothing was new";
  EXPECT_THAT(told_by("atomic", world({renewing(0, {"embed"}, 1), old})), IsEmpty())
      << "another run of it";
}

TEST(Atomic, ComparesRanksOfOneRole) {
  const Observation seen =
      world({renewing(0, {"embed"}), updating(1, failed({"embed", "head"}, {}))});
  Case plan = plan_of(seen);
  const auto judgement = [&] { return find_oracle("atomic")->judge(plan, seen, "").judgement; };
  EXPECT_EQ(judgement(), Judgement::kFail);
  plan.topology.roles = {{"trainer", {0}}, {"engine", {1}}};
  EXPECT_EQ(judgement(), Judgement::kPass);
}

TEST(NoError, TellsOfFailedUpdates) {
  const Observation seen = world({updating(0, failed({"embed"}, {}))});
  EXPECT_THAT(told_by("no_error", seen), ElementsAre("0 update"));
  EXPECT_EQ(first_text("no_error", seen),
            "rank 0 failed in update 'hold' (alloc, x.yaml:5): unknown tensor: embed");
}

}  // namespace
}  // namespace loadproof::harness::testing
