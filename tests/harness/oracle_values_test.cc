// finite, defined, ckpt: what they say of values and of where values came from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::HasSubstr;

TEST(Oracles, AreInTheOrderOfTheReference) {
  std::vector<std::string_view> names;
  for (const OracleInfo& oracle : oracles()) names.push_back(oracle.name);
  EXPECT_EQ(names,
            (std::vector<std::string_view>{
                "finite", "defined", "ckpt", "source", "replicas", "alias", "dtype", "memory",
                "no_hang", "no_error", "symmetric_error", "clear_error", "atomic",
                "invariant", "no_vacuous"}));
  EXPECT_EQ(find_oracle("nothing"), nullptr);
}

TEST(Oracles, AllPassWhereAllIsWell) {
  Observation seen = sound_world();
  TensorObservation frequencies = loaded("inv_freq");
  frequencies.reference.from_file = false;
  seen.peaks = {{.index = 0, .resident = 64}};
  for (RankObservation& rank : seen.ranks)
    for (Point& point : rank.points) point.tensors.push_back(frequencies);
  for (const OracleInfo& oracle : oracles()) {
    Case plan = plan_for(seen);
    plan.budget.rank_resident = Limit{64};
    Verdict verdict = oracle.judge(plan, seen, "");
    EXPECT_EQ(verdict.judgement, Judgement::kPass) << oracle.name << ": " << verdict.summary;
    EXPECT_TRUE(verdict.findings.empty());
    EXPECT_FALSE(verdict.summary.empty());
    EXPECT_EQ(verdict.oracle, oracle.name);
  }
}

TEST(Oracles, OfValuesCannotTellWhereEveryRankStoppedBeforeSampling) {
  RankObservation zero = rank(0, {undefined("a", 0)});
  RankObservation one = rank(1, {undefined("a", 1)});
  stopped(zero, Outcome::kRaised, "no such key");
  stopped(one, Outcome::kBlocked);
  Observation seen = world({zero, one});
  for (std::string_view oracle :
       {"finite", "defined", "ckpt", "source", "replicas", "alias", "dtype"}) {
    Verdict verdict = verdict_of(oracle, seen);
    EXPECT_EQ(verdict.judgement, Judgement::kUnknown) << oracle;
    EXPECT_THAT(verdict.summary, HasSubstr("rank 0 (raised)"));
    EXPECT_THAT(verdict.summary, HasSubstr("rank 1 (blocked)"));
  }
}

TEST(Oracles, JudgeARankThatRaisedByWhatItSampledBefore) {
  RankObservation zero = rank(0, {undefined("a", 0)});
  sampled(zero, 7);
  stopped(zero, Outcome::kRaised, "later");
  EXPECT_EQ(verdict_of("finite", world({zero})).judgement, Judgement::kFail);
}

TEST(Finite, FailsOnTheRankWhoseLogitsHoldNanAndNamesEachTensor) {
  Verdict verdict = verdict_of("finite", founding_world());
  ASSERT_EQ(verdict.judgement, Judgement::kFail);
  ASSERT_EQ(verdict.findings.size(), 3u);
  for (const Finding& finding : verdict.findings) EXPECT_EQ(finding.rank, 1);
  const Finding& embed = verdict.findings[0];
  EXPECT_EQ(embed.tensor, "embed");
  EXPECT_EQ(embed.begin, 0);
  EXPECT_EQ(embed.end, 64);
  EXPECT_EQ(embed.state, "undefined");
  EXPECT_EQ(embed.chain, "undefined on rank 1");
  EXPECT_EQ(embed.step, kHold);
  EXPECT_EQ(embed.blamed_step, kRead);
  EXPECT_EQ(embed.root_rank, 1);
  EXPECT_EQ(embed.kind, "nan");
  EXPECT_EQ(embed.at, "generate");
  EXPECT_EQ(verdict.findings[1].tensor, "head");
  const Finding& logits = verdict.findings[2];
  EXPECT_EQ(logits.tensor, "");
  EXPECT_EQ(logits.step, kGenerate);
  EXPECT_THAT(logits.text, HasSubstr("NaN reached sampling: 1280 of 1280 logits"));
  EXPECT_THAT(logits.text, HasSubstr("probability tensor contains"));
}

TEST(Finite, TellsTheRangeThatWasNeverWrittenAndTheRankItCameFrom) {
  StateRange good = range(0, 32, StateKind::kLoaded, kRead, 0);
  StateRange bad = range(32, 64, StateKind::kReceived, kSync, 1);
  bad.root = StateKind::kUndefined;
  bad.root_step = kHold;
  TensorObservation gathered = tensor("a", {good, bad});
  gathered.nan = 32;
  RankObservation zero = rank(0, {gathered});
  sampled(zero, 3);
  Verdict verdict = verdict_of("finite", world({zero}));
  ASSERT_EQ(verdict.findings.size(), 2u);
  EXPECT_EQ(verdict.findings[0].begin, 32);
  EXPECT_EQ(verdict.findings[0].end, 64);
  EXPECT_EQ(verdict.findings[0].root_rank, 1);
  EXPECT_EQ(verdict.findings[0].step, kHold);
}

TEST(Finite, PassesWhereNanIsHeldButHiddenFromSampling) {
  RankObservation zero = rank(0, {undefined("a", 0)});
  sampled(zero, 0);
  EXPECT_EQ(verdict_of("finite", world({zero})).judgement, Judgement::kPass);
}

TEST(Finite, SaysThatLogitsOverflowedWhereNoTensorIsToBlame) {
  RankObservation zero = rank(0, {loaded("a")});
  sampled(zero, 4);
  Verdict verdict = verdict_of("finite", world({zero}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("overflowed"));
}

TEST(Finite, JudgesTheTensorsThemselvesWhereNothingIsSampled) {
  EXPECT_EQ(verdict_of("finite", world({rank(0, {loaded("a")})})).judgement, Judgement::kPass);
  Verdict verdict = verdict_of("finite", world({rank(0, {loaded("a"), undefined("b", 0)})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].tensor, "b");
  EXPECT_EQ(verdict.findings[0].at, "end");
}

TEST(Finite, CannotTellWhereThereIsNeitherTensorNorSampling) {
  EXPECT_EQ(verdict_of("finite", world({rank(0, {})})).judgement, Judgement::kUnknown);
}

TEST(Finite, FailsOnAnErrorOfTheGuardWithoutNan) {
  RankObservation zero = rank(0, {loaded("a")});
  sampled(zero, 0);
  zero.generations[0].error = "invalid multinomial distribution (sum of probabilities <= 0)";
  Verdict verdict = verdict_of("finite", world({zero}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].kind, "refused");
}

TEST(Finite, JudgesThePointThatIsAskedFor) {
  RankObservation zero = rank(0, {loaded("a")});
  Point before{"before", kHold, false, {undefined("a", 0)}};
  zero.points.insert(zero.points.begin(), before);
  Observation seen = world({zero});
  EXPECT_EQ(verdict_of("finite", seen).judgement, Judgement::kPass);
  EXPECT_EQ(verdict_of("finite", seen, "before").judgement, Judgement::kFail);
  Verdict nowhere = verdict_of("finite", seen, "nowhere");
  EXPECT_EQ(nowhere.judgement, Judgement::kUnknown);
  EXPECT_THAT(nowhere.summary, HasSubstr("never got to 'nowhere'"));
}

TEST(Defined, TellsWhatReachesSamplingUnderAnyValue) {
  Verdict verdict = verdict_of("defined", founding_world());
  ASSERT_EQ(verdict.findings.size(), 2u);
  const Finding& finding = verdict.findings[0];
  EXPECT_EQ(finding.rank, 1);
  EXPECT_EQ(finding.tensor, "embed");
  EXPECT_EQ(finding.state, "undefined");
  EXPECT_EQ(finding.step, kHold);
  EXPECT_EQ(finding.blamed_step, kRead);
  EXPECT_THAT(finding.text, HasSubstr("elements 0 to 63 of 64 are never written"));
}

TEST(Defined, PassesWhereWhatIsUndefinedDoesNotReachSampling) {
  RankObservation zero = rank(0, {undefined("unused", 0)});
  sampled(zero, 0);
  EXPECT_EQ(verdict_of("defined", world({zero})).judgement, Judgement::kPass);
}

TEST(Defined, BlamesTheCollectiveInWhichTheRankTookNoPart) {
  Observation seen = world({rank(0, {loaded("a")}), rank(1, {received("a")}),
                            rank(2, {undefined("a", 2)})});
  Verdict verdict = verdict_of("defined", seen);
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].rank, 2);
  EXPECT_EQ(verdict.findings[0].blamed_step, kSync);
}

TEST(Defined, BlamesNobodyWhereNoRankHasBetter) {
  Verdict verdict = verdict_of("defined", world({rank(0, {undefined("a", 0)})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].blamed_step, -1);
}

TEST(Defined, FailsForEachStateThatMustNotReachSampling) {
  for (int kind = 0; kind < kStateKinds; ++kind) {
    const auto state = static_cast<StateKind>(kind);
    Observation seen = world({rank(0, {tensor("a", {range(0, 64, state, kHold, 0)})})});
    const bool bad = state == StateKind::kMeta || state == StateKind::kUndefined ||
                     state == StateKind::kPlaceholder || state == StateKind::kTainted;
    EXPECT_EQ(verdict_of("defined", seen).judgement, bad ? Judgement::kFail : Judgement::kPass)
        << name(state);
  }
}

TEST(Defined, BelievesTheCountsWhereRangesWereCut) {
  TensorObservation cut = loaded("a");
  cut.state_counts[static_cast<size_t>(StateKind::kUndefined)] = 3;
  EXPECT_EQ(verdict_of("defined", world({rank(0, {cut})})).judgement, Judgement::kFail);
}

TEST(Ckpt, FailsWhereElementsDifferAndTellsHowMany) {
  TensorObservation one = loaded("a");
  one.reference = {
      .known = true, .from_file = true, .differing = 3, .first_differing = 7, .last_differing = 20};
  Verdict verdict = verdict_of("ckpt", world({rank(0, {one})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].begin, 7);
  EXPECT_EQ(verdict.findings[0].end, 21);
  EXPECT_EQ(verdict.findings[0].kind, "value");
  EXPECT_EQ(verdict.findings[0].state, "loaded");
  EXPECT_THAT(verdict.findings[0].text,
              HasSubstr("3 of 64 elements differ from the file, elements 7 to 20"));
}

TEST(Ckpt, FailsWhereEqualElementsDidNotComeFromTheirPlace) {
  TensorObservation one = tensor("a", {range(0, 64, StateKind::kPlaceholder, kHold, 0)});
  one.reference.not_from_source = 64;
  Verdict verdict = verdict_of("ckpt", world({rank(0, {one})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].kind, "coverage");
  EXPECT_EQ(verdict.findings[0].state, "placeholder");
}

TEST(Ckpt, TellsWhyNothingCanBeCompared) {
  Verdict verdict = verdict_of("ckpt", world({rank(0, {on_meta("a")})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].kind, "meta");
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("still on meta"));
}

TEST(Ckpt, TellsWhatStandsThereInstead) {
  TensorObservation one = loaded("a");
  one.reference = {.known = true, .from_file = true, .differing = 3, .first_differing = 0,
                   .last_differing = 2, .kind = "shift", .story = "its own elements, 4 further on"};
  Verdict verdict = verdict_of("ckpt", world({rank(0, {one})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].kind, "shift");
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("; it holds its own elements, 4 further on"));
}

// A tensor of a declared source is judged by it alone, one of the file by ckpt alone.
TEST(Source, JudgesWhatIsDeclaredInPlaceOfTheFile) {
  TensorObservation synced = loaded("a"), analytic = loaded("b"), file = loaded("c");
  synced.reference = {.known = true, .from_file = true, .differing = 64};
  synced.declared = {.known = true, .equal = true};
  analytic.reference.from_file = false;
  Observation seen = world({rank(0, {synced, analytic, file})});
  EXPECT_EQ(verdict_of("ckpt", seen).judgement, Judgement::kPass);
  EXPECT_EQ(verdict_of("source", seen).judgement, Judgement::kPass);
  std::vector<TensorObservation>& tensors = seen.ranks[0].points.back().tensors;
  tensors[0].declared = {.known = true, .differing = 1, .first_differing = 3, .last_differing = 3};
  tensors[1].reference = {.known = true, .differing = 64, .first_differing = 0,
                          .last_differing = 63};
  EXPECT_EQ(verdict_of("ckpt", seen).judgement, Judgement::kPass);
  const Verdict verdict = verdict_of("source", seen);
  ASSERT_EQ(verdict.findings.size(), 2u);
  EXPECT_EQ(verdict.findings[0].tensor, "a");
  EXPECT_EQ(verdict.findings[1].tensor, "b");
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("differ from its source"));
}

TEST(Source, CannotTellWhereNothingIsDeclared) {
  EXPECT_EQ(verdict_of("source", world({rank(0, {loaded("a")})})).judgement, Judgement::kUnknown);
}

TEST(Replicas, ComparesRanksThatHoldTheSamePiece) {
  TensorObservation left = loaded("a"), right = loaded("a");
  left.piece = 1;
  right.piece = 2;
  right.digest = 12;
  EXPECT_EQ(verdict_of("replicas", world({rank(0, {left}), rank(1, {right})})).judgement,
            Judgement::kPass);
  right.piece = 1;
  EXPECT_EQ(verdict_of("replicas", world({rank(0, {left}), rank(1, {right})})).judgement,
            Judgement::kFail);
}

TEST(EveryValueOracle, LeavesScratchMemoryAlone) {
  TensorObservation scratch = undefined("s", 1);
  scratch.kind = TensorKind::kScratch;
  scratch.dtype = DType::kBFloat16;
  scratch.reference.equal = false;
  const Observation seen = world({rank(0, {loaded("a")}), rank(1, {loaded("a"), scratch})});
  for (const char* oracle : {"finite", "defined", "ckpt", "replicas", "dtype"})
    EXPECT_EQ(verdict_of(oracle, seen).judgement, Judgement::kPass) << oracle;
}

TEST(Ckpt, CannotTellWhereTheDirectorySaysNothing) {
  TensorObservation one = loaded("a");
  one.reference = {};
  EXPECT_EQ(verdict_of("ckpt", world({rank(0, {one})})).judgement, Judgement::kUnknown);
}

}  // namespace
}  // namespace loadproof::harness::testing
