// replicas, alias, dtype, no_hang, no_error, no_vacuous: what they say of ranks among each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::HasSubstr;

std::vector<int> ranks_in(const Verdict& verdict) {
  std::vector<int> ranks;
  for (const Finding& finding : verdict.findings) ranks.push_back(finding.rank);
  return ranks;
}

TensorObservation with_digest(uint64_t digest) {
  TensorObservation made = loaded("a");
  made.digest = digest;
  return made;
}

TEST(Replicas, NamesTheMinority) {
  Observation seen = world({rank(0, {with_digest(1)}), rank(1, {with_digest(2)}),
                            rank(2, {with_digest(1)})});
  Verdict verdict = verdict_of("replicas", seen);
  EXPECT_EQ(ranks_in(verdict), (std::vector<int>{1}));
  EXPECT_EQ(verdict.findings[0].tensor, "a");
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("differs in value from ranks 0, 2"));
}

TEST(Replicas, NeverHoldsSoundCopiesAgainstUnsoundOnes) {
  Observation seen = world({rank(0, {loaded("a")}), rank(1, {undefined("a", 1)}),
                            rank(2, {undefined("a", 2)}), rank(3, {loaded("a")})});
  EXPECT_EQ(ranks_in(verdict_of("replicas", seen)), (std::vector<int>{1, 2}));
  seen =
      world({rank(0, {undefined("a", 0)}), rank(1, {undefined("a", 1)}), rank(2, {loaded("a")})});
  EXPECT_EQ(ranks_in(verdict_of("replicas", seen)), (std::vector<int>{0, 1}));
}

TEST(Replicas, TellsWhatNobodyWroteFromTheSameBitsThatSomebodyDid) {
  TensorObservation lucky = undefined("a", 1);
  lucky.digest = loaded("a").digest;
  const Verdict verdict = verdict_of("replicas", world({rank(0, {loaded("a")}), rank(1, {lucky})}));
  EXPECT_EQ(ranks_in(verdict), (std::vector<int>{1}));
  EXPECT_EQ(verdict.findings[0].kind, "state");
}

TEST(Memory, HoldsPeaksOfRanksAndNodesAgainstTheBudget) {
  Observation seen = world({rank(0, {loaded("a")}), rank(1, {loaded("a")})});
  seen.peaks = {{.index = 0, .resident = 2048, .reserved = 2048, .step = kRead, .rank = 0},
                {.index = 1, .resident = 1024, .reserved = 4096, .step = kHold, .rank = 1},
                {.holder = PeakObservation::Holder::kNode,
                 .index = 0, .resident = 3072, .step = kHold, .rank = 1,
                 .rises = {{kRead, 0, {512, 512}}, {kHold, 1, {3072, 3072}}}}};
  Case plan = plan_for(seen);
  const auto judged = [&] { return find_oracle("memory")->judge(plan, seen, ""); };
  EXPECT_EQ(judged().judgement, Judgement::kUnknown);
  plan.budget = {.rank_resident = Limit{2048}, .rank_reserved = Limit{4096},
                 .node_resident = Limit{3072}};
  EXPECT_EQ(judged().judgement, Judgement::kPass);
  plan.budget = {.rank_resident = Limit{1500}, .rank_reserved = Limit{3000},
                 .node_resident = Limit{1000}};
  const Verdict verdict = judged();
  ASSERT_EQ(verdict.findings.size(), 3u);
  EXPECT_EQ(ranks_in(verdict), (std::vector<int>{0, 1, -1}));
  EXPECT_EQ(verdict.findings[1].kind, "reserved");
  EXPECT_EQ(verdict.findings[2].text,
            "node 0: 3 KiB resident at once, 1000 B allowed; broken by step 'hold' (alloc, "
            "x.yaml:5) of rank 1");
}

TEST(Replicas, HoldsATieAgainstTheLowestRank) {
  Observation seen = world({rank(0, {with_digest(1)}), rank(1, {with_digest(2)})});
  EXPECT_EQ(ranks_in(verdict_of("replicas", seen)), (std::vector<int>{1}));
}

TEST(Replicas, SeesDtypeShapeAndMeta) {
  TensorObservation other = with_digest(1);
  other.dtype = DType::kBFloat16;
  EXPECT_EQ(
      verdict_of("replicas", world({rank(0, {with_digest(1)}), rank(1, {other})})).findings[0].kind,
      "dtype");
  other = with_digest(1);
  other.shape = {8, 8};
  EXPECT_EQ(
      verdict_of("replicas", world({rank(0, {with_digest(1)}), rank(1, {other})})).findings[0].kind,
      "shape");
  EXPECT_EQ(verdict_of("replicas", world({rank(0, {with_digest(1)}), rank(1, {on_meta("a")})}))
                .findings[0].kind,
            "meta");
}

TEST(Replicas, ComparesOnlyRanksThatGotThere) {
  RankObservation blocked = rank(1, {with_digest(2)});
  stopped(blocked, Outcome::kBlocked);
  Verdict two = verdict_of("replicas", world({rank(0, {with_digest(1)}), blocked}));
  EXPECT_EQ(two.judgement, Judgement::kUnknown);
  Verdict three = verdict_of(
      "replicas", world({rank(0, {with_digest(1)}), blocked, rank(2, {with_digest(1)})}));
  EXPECT_EQ(three.judgement, Judgement::kPass);
  EXPECT_THAT(three.summary, HasSubstr("not judged: rank 1 (blocked)"));
}

TEST(Replicas, PassesInAWorldOfOne) {
  EXPECT_EQ(verdict_of("replicas", world({rank(0, {with_digest(1)})})).judgement, Judgement::kPass);
}

TensorObservation tied(int32_t storage) {
  TensorObservation head = loaded("head");
  head.tied_to = "embed";
  head.storage = storage;
  return head;
}

TensorObservation stored(std::string name, int32_t storage) {
  TensorObservation made = loaded(std::move(name));
  made.storage = storage;
  return made;
}

TEST(Alias, PassesWhereTiedNamesShareStorage) {
  Observation seen = world({rank(0, {stored("embed", 4), tied(4)})});
  EXPECT_EQ(verdict_of("alias", seen).judgement, Judgement::kPass);
}

TEST(Alias, FailsWhereATieIsBroken) {
  Verdict verdict = verdict_of("alias", world({rank(0, {stored("embed", 4), tied(5)})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].tensor, "head");
  EXPECT_EQ(verdict.findings[0].kind, "broken");
}

TEST(Alias, FailsWhereNamesShareStorageUndeclared) {
  Verdict verdict = verdict_of("alias", world({rank(0, {stored("a", 4), stored("b", 4)})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].tensor, "b");
  EXPECT_EQ(verdict.findings[0].kind, "shared");
}

TEST(Alias, LetsScratchShareAndAsksOfOthersWhatTheyDeclare) {
  TensorObservation staging = stored("staging", 4);
  staging.kind = TensorKind::kScratch;
  const auto judgement = [](std::vector<TensorObservation> tensors) {
    return verdict_of("alias", world({rank(0, std::move(tensors))})).judgement;
  };
  EXPECT_EQ(judgement({stored("a", 4), staging}), Judgement::kPass);
  EXPECT_EQ(judgement({staging, stored("a", 4)}), Judgement::kPass);
  EXPECT_EQ(judgement({staging, stored("a", 4), stored("b", 4)}), Judgement::kFail);
  TensorObservation view = tied(5);
  view.tied_to = "staging";
  EXPECT_EQ(judgement({staging, view}), Judgement::kFail) << "it must be a view of it";
  view.kind = TensorKind::kScratch;
  EXPECT_EQ(judgement({staging, view}), Judgement::kPass);
}

TEST(Alias, AsksNothingOfNamesThatAreBothOnMeta) {
  TensorObservation head = on_meta("head");
  head.tied_to = "embed";
  EXPECT_EQ(verdict_of("alias", world({rank(0, {on_meta("embed"), head})})).judgement,
            Judgement::kPass);
  EXPECT_EQ(verdict_of("alias", world({rank(0, {loaded("embed"), head})})).judgement,
            Judgement::kFail);
}

TEST(Dtype, FailsWhereADtypeIsNotTheDeclaredOne) {
  TensorObservation one = loaded("a");
  one.dtype = DType::kBFloat16;
  Verdict verdict = verdict_of("dtype", world({rank(0, {one, loaded("b")})}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].kind, "bfloat16");
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("is bfloat16, declared float32"));
}

TEST(Oracles, TellTheWordsForTheirKinds) {
  std::vector<std::string> dtypes;
  for (DType dtype : kAllDTypes) dtypes.emplace_back(name(dtype));
  EXPECT_EQ(kinds_of("dtype"), dtypes);
  for (const OracleInfo& oracle : oracles()) EXPECT_FALSE(kinds_of(oracle.name).empty());
  EXPECT_TRUE(kinds_of("dtyp").empty());
}

TEST(NoHang, TellsEachWaitAndEachMismatch) {
  Observation seen = sound_world();
  seen.waits.push_back(
      {1, kSync, "broadcast", "embed", "world", 3, {0}, "rank 1 waits for rank 0"});
  seen.mismatches.push_back({"name", false, "names differ", {0, 1}, {"embed", "head"}, kSync});
  Verdict verdict = verdict_of("no_hang", seen);
  ASSERT_EQ(verdict.findings.size(), 3u);
  EXPECT_EQ(ranks_in(verdict), (std::vector<int>{0, 1, 1}));
  EXPECT_EQ(verdict.findings[0].kind, "name");
  EXPECT_EQ(verdict.findings[0].tensor, "embed");
  EXPECT_EQ(verdict.findings[1].tensor, "head");
  EXPECT_EQ(verdict.findings[2].kind, "missing");
  EXPECT_EQ(verdict.findings[2].text, "rank 1 waits for rank 0");
}

TEST(NoError, TellsWhoRaisedAndLeavesDeathsInSamplingToFinite) {
  RankObservation zero = rank(0, {loaded("a")});
  stopped(zero, Outcome::kRaised, "size mismatch for a");
  RankObservation one = rank(1, {loaded("a")});
  sampled(one, 3);
  Verdict verdict = verdict_of("no_error", world({zero, one}));
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].rank, 0);
  EXPECT_EQ(verdict.findings[0].kind, "raised");
  EXPECT_EQ(verdict.findings[0].step, kSync);
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("size mismatch for a"));
}

TEST(NoVacuous, TellsStepAndSelector) {
  Observation seen = sound_world();
  seen.vacuous.push_back({kSync, {0, 1}, "param & none"});
  Verdict verdict = verdict_of("no_vacuous", seen);
  EXPECT_EQ(ranks_in(verdict), (std::vector<int>{0, 1}));
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("'sync' (broadcast, x.yaml:6)"));
  EXPECT_THAT(verdict.findings[0].text, HasSubstr("'param & none' matches no tensor"));
}

}  // namespace
}  // namespace loadproof::harness::testing
