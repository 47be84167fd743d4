#include "harness/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/static_selector.h"
#include "tests/harness/observations.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Texts = std::vector<std::string>;

Selector selector(std::string_view text) { return *Selector::parse(text, {"ready"}); }

Expectation must_fail() {
  Expectation expected;
  expected.expected = Expected::kFail;
  expected.where = {"x.yaml", 23, 5};
  return expected;
}

// What surprises of one oracle, everything else being left free.
Texts surprises(const Observation& seen, const std::string& oracle, Expectation expected,
                std::string fill = "nan") {
  Case plan = plan_for(seen);
  plan.fill = std::move(fill);
  for (const OracleInfo& info : oracles())
    plan.expect[std::string(info.name)].expected = Expected::kFree;
  plan.expect[oracle] = std::move(expected);
  return compare_with_expectations(plan, seen, judge(plan, seen));
}

TEST(Judge, GivesOneVerdictAnOracleInOrder) {
  Observation seen = sound_world();
  std::vector<Verdict> verdicts = judge(plan_for(seen), seen);
  ASSERT_EQ(verdicts.size(), oracles().size());
  for (size_t i = 0; i < verdicts.size(); ++i) EXPECT_EQ(verdicts[i].oracle, oracles()[i].name);
}

TEST(Judge, AsksEachOracleAtThePointOfItsExpectation) {
  RankObservation zero = rank(0, {loaded("a")});
  zero.points.insert(zero.points.begin(), Point{"early", kHold, false, {undefined("a", 0)}});
  Observation seen = world({zero});
  Expectation expected = must_fail();
  EXPECT_EQ(surprises(seen, "finite", expected).size(), 1u);
  expected.at = "early";
  EXPECT_THAT(surprises(seen, "finite", expected), IsEmpty());
}

TEST(Expectations, WhatIsNotNamedMustPass) {
  Observation seen = founding_world();
  Case plan = plan_for(seen);
  Texts all = compare_with_expectations(plan, seen, judge(plan, seen));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(all[0], HasSubstr("finite must pass, but fails on rank 1: 2 tensors (embed, head)"));
  EXPECT_THAT(all[1], HasSubstr("defined must pass"));
  EXPECT_THAT(all[2], HasSubstr("ckpt must pass"));
  EXPECT_THAT(all[3], HasSubstr("replicas must pass"));
  seen = sound_world();
  EXPECT_THAT(compare_with_expectations(plan, seen, judge(plan, seen)), IsEmpty());
}

TEST(Expectations, UnknownWillDoWhereNoFailureIsExpectedAndNotWhereOneIs) {
  Observation seen = world({rank(0, {})});
  EXPECT_THAT(surprises(seen, "finite", {}), IsEmpty());
  EXPECT_THAT(surprises(seen, "finite", must_fail()),
              ElementsAre(HasSubstr("finite must fail (x.yaml:23), but it cannot tell")));
}

TEST(Expectations, AFailureThatDoesNotComeIsASurprise) {
  EXPECT_THAT(surprises(sound_world(), "finite", must_fail()),
              ElementsAre(HasSubstr("finite must fail (x.yaml:23), but it passes")));
  EXPECT_THAT(surprises(founding_world(), "finite", must_fail()), IsEmpty());
}

TEST(Expectations, RanksAreExact) {
  Expectation expected = must_fail();
  expected.ranks = *RankSet::parse("1");
  EXPECT_THAT(surprises(founding_world(), "finite", expected), IsEmpty());
  expected.ranks = *RankSet::parse("0");
  EXPECT_THAT(surprises(founding_world(), "finite", expected),
              ElementsAre(HasSubstr("must fail on rank 0 (x.yaml:23), but it fails on rank 1")));
  expected.ranks = *RankSet::parse("all");
  EXPECT_THAT(surprises(founding_world(), "finite", expected),
              ElementsAre(HasSubstr("must fail on ranks 0, 1")));
}

TEST(Expectations, OfRanksThatTheWorldLacksNoneMustFail) {
  Expectation expected = must_fail();
  expected.ranks = *RankSet::parse("r>1");
  EXPECT_THAT(surprises(sound_world(), "finite", expected), IsEmpty());
  EXPECT_THAT(surprises(founding_world(), "finite", expected),
              ElementsAre(HasSubstr("it fails on rank 1")));
}

TEST(Expectations, TokensAreThoseOfTheLastStepOrOfTheNamedOne) {
  Observation seen = sound_world();
  seen.ranks[0].generations.clear();
  Generation first{.step = kHold, .tokens = {1, 2}}, last{.step = kSync, .tokens = {3}};
  seen.ranks[1].generations = {first, last};
  Case plan = plan_for(seen);
  const auto surprises = [&](ExpectedTokens expected) {
    expected.where = {"x.yaml", 23, 5};
    plan.tokens = {std::move(expected)};
    return compare_with_expectations(plan, seen, judge(plan, seen));
  };
  const RankSet one = *RankSet::parse("1");
  EXPECT_THAT(surprises({.ranks = one, .tokens = {3}}), IsEmpty());
  EXPECT_THAT(surprises({.ranks = one, .at = seen.steps[kHold].id, .tokens = {1, 2}}), IsEmpty());
  EXPECT_THAT(surprises({.ranks = one, .tokens = {1, 2}}),
              ElementsAre("rank 1 must draw the tokens 1 2 (x.yaml:23), but it draws 3"));
  EXPECT_THAT(surprises({.tokens = {3}}),
              ElementsAre("rank 0 must draw the tokens 3 (x.yaml:23), but it draws none"));
  EXPECT_THAT(surprises({.ranks = one, .tokens = {4}, .fills = {"zeros"}}), IsEmpty());
}

TEST(Expectations, TensorsAreExact) {
  Expectation expected = must_fail();
  expected.of = selector("param");
  EXPECT_THAT(surprises(founding_world(), "finite", expected), IsEmpty());
  expected.of = selector("embed");
  EXPECT_THAT(surprises(founding_world(), "finite", expected),
              ElementsAre(HasSubstr("but it also names head")));
  expected.of = selector("buffer");
  EXPECT_THAT(
      surprises(founding_world(), "finite", expected),
      ElementsAre(HasSubstr("no tensor is called so"), HasSubstr("also names embed, head")));
  Observation part = founding_world();
  part.ranks[1].points[0].tensors[1] = received("head");
  expected.of = selector("param");
  EXPECT_THAT(surprises(part, "finite", expected),
              ElementsAre(HasSubstr("but it does not name head")));
}

TEST(Expectations, NamesThatShareStorageAreOneTensor) {
  TensorObservation embed = undefined("embed", 0), head = undefined("head", 0);
  embed.storage = head.storage = 0;
  head.tied_to = "embed";
  RankObservation zero = rank(0, {embed, head});
  sampled(zero, 9);
  Expectation expected = must_fail();
  for (std::string_view text : {"param", "embed", "head", "all"}) {
    expected.of = selector(text);
    EXPECT_THAT(surprises(world({zero}), "finite", expected), IsEmpty()) << text;
  }
  zero.points[0].tensors[1].storage = 1;
  expected.of = selector("embed");
  EXPECT_EQ(surprises(world({zero}), "finite", expected).size(), 1u);
}

TEST(Expectations, AliasIsHeldAgainstNamesThemselves) {
  TensorObservation head = loaded("head");
  head.tied_to = "embed";
  Observation seen = world({rank(0, {loaded("embed"), head})});
  Expectation expected = must_fail();
  expected.of = selector("tied");
  EXPECT_THAT(surprises(seen, "alias", expected), IsEmpty());
  expected.of = selector("embed");
  EXPECT_EQ(surprises(seen, "alias", expected).size(), 2u);
}

TEST(Expectations, StateKindAndRootRankHoldForEveryFinding) {
  Expectation expected = must_fail();
  expected.state = "undefined";
  expected.kinds = {"nan"};
  expected.from_rank = 1;
  EXPECT_THAT(surprises(founding_world(), "finite", expected), IsEmpty());
  expected.state = "placeholder";
  expected.kinds = {"inf"};
  expected.from_rank = 0;
  EXPECT_THAT(surprises(founding_world(), "finite", expected),
              ElementsAre(HasSubstr("must fail in state 'placeholder' (x.yaml:23), but it fails in "
                                    "state 'undefined'"),
                          HasSubstr("of kind 'inf'"), HasSubstr("from rank 0")));
}

TEST(Expectations, OfSeveralKindsAllAreFoundAndNoOther) {
  Observation seen = sound_world();
  seen.waits.push_back({1, kSync, "barrier", "", "world", 3, {0}, "rank 1 waits for rank 0"});
  seen.mismatches.push_back({"name", false, "names differ", {0, 1}, {"embed", "head"}, kSync});
  Expectation expected = must_fail();
  expected.kinds = {"missing", "name"};
  EXPECT_THAT(surprises(seen, "no_hang", expected), IsEmpty());
  expected.kinds = {"name"};
  EXPECT_THAT(surprises(seen, "no_hang", expected),
              ElementsAre(HasSubstr("of kind 'name' (x.yaml:23), but it fails of kind 'missing'")));
  expected.kinds = {"missing", "name", "op"};
  EXPECT_THAT(surprises(seen, "no_hang", expected),
              ElementsAre(HasSubstr("of kind 'op' (x.yaml:23), but no finding is")));
  expected.fills = {"zeros"};
  EXPECT_THAT(surprises(seen, "no_hang", expected), IsEmpty()) << "it may fail, in part too";
}

TEST(Expectations, WhatNoFindingTellsIsASurprise) {
  Observation seen = sound_world();
  seen.waits.push_back({1, kSync, "barrier", "", "world", 3, {0}, "rank 1 waits for rank 0"});
  Expectation expected = must_fail();
  expected.state = "undefined";
  expected.from_rank = 1;
  EXPECT_EQ(surprises(seen, "no_hang", expected).size(), 2u);
}

TEST(Expectations, AtNamesTheStepForOraclesOfTheRun) {
  Observation seen = sound_world();
  seen.waits.push_back({1, kSync, "barrier", "", "world", 3, {0}, "rank 1 waits for rank 0"});
  Expectation expected = must_fail();
  expected.at = "sync";
  EXPECT_THAT(surprises(seen, "no_hang", expected), IsEmpty());
  expected.at = "hold";
  EXPECT_THAT(surprises(seen, "no_hang", expected),
              ElementsAre(HasSubstr("must fail at 'hold' (x.yaml:23), but it fails at 'sync'")));
}

TEST(Expectations, TextsMustBeTold) {
  Expectation expected = must_fail();
  expected.names = {"probability tensor contains", "embed", "undefined on rank 1"};
  EXPECT_THAT(surprises(founding_world(), "finite", expected), IsEmpty());
  expected.names = {"embed", "a text that nothing has"};
  EXPECT_THAT(surprises(founding_world(), "finite", expected),
              ElementsAre(HasSubstr("must tell of \"a text that nothing has\"")));
}

TEST(Expectations, FillsSayUnderWhichAFailureMustCome) {
  Expectation expected = must_fail();
  expected.fills = {"nan"};
  EXPECT_EQ(surprises(sound_world(), "finite", expected, "nan").size(), 1u);
  EXPECT_EQ(surprises(sound_world(), "finite", expected, "nan_7fff").size(), 1u);
  EXPECT_THAT(surprises(sound_world(), "finite", expected, "zeros"), IsEmpty());
  EXPECT_THAT(surprises(founding_world(), "finite", expected, "zeros"), IsEmpty());
}

TEST(Expectations, UnderOtherFillsAFailureIsFreeOnlyInItsPlace) {
  Expectation expected = must_fail();
  expected.fills = {"nan"};
  expected.ranks = *RankSet::parse("1");
  expected.of = selector("all");
  EXPECT_THAT(surprises(founding_world(), "finite", expected, "huge"), IsEmpty());
  expected.ranks = *RankSet::parse("0..1");
  EXPECT_THAT(surprises(founding_world(), "finite", expected, "huge"), IsEmpty());
  expected.ranks = *RankSet::parse("0");
  EXPECT_EQ(surprises(founding_world(), "finite", expected, "huge").size(), 1u);
  expected.ranks = *RankSet::parse("1");
  expected.of = selector("embed");
  EXPECT_EQ(surprises(founding_world(), "finite", expected, "huge").size(), 1u);
}

TEST(StaticSelector, MeansWhatTheRanksMean) {
  TensorObservation embed = loaded("model.embed"), head = loaded("head");
  embed.storage = head.storage = 0;
  head.tied_to = "model.embed";
  TensorObservation norm = received("model.norm");
  norm.storage = 1;
  norm.flags = {"ready"};
  TensorObservation freq = loaded("inv_freq");
  freq.storage = 2;
  freq.kind = TensorKind::kRuntimeBuffer;
  TensorObservation left = undefined("model.left", 0);
  left.storage = 3;
  Observation seen = world({rank(0, {embed, head, norm, freq, left})});
  auto names = [&](std::string_view text) {
    return *resolve_static(selector(text), plan_for(seen), seen.ranks[0].points[0]);
  };
  EXPECT_EQ(names("all").size(), 5u);
  EXPECT_EQ(names("none").size(), 0u);
  EXPECT_EQ(names("param"), (Texts{"model.embed", "model.norm", "model.left"}));
  EXPECT_EQ(names("param[:50%]"), (Texts{"model.embed"}));
  EXPECT_EQ(names("param[-1]"), (Texts{"model.left"}));
  EXPECT_EQ(names("param[1:3]"), (Texts{"model.norm", "model.left"}));
  EXPECT_EQ(names("runtime_buffer"), (Texts{"inv_freq"}));
  EXPECT_EQ(names("file & !tied"), (Texts{"model.embed", "model.norm", "model.left"}));
  EXPECT_EQ(names("model.* & !model.norm"), (Texts{"model.embed", "model.left"}));
  EXPECT_EQ(names("tied | ready"), (Texts{"head", "model.norm"}));
  EXPECT_EQ(names("undefined"), (Texts{"model.left"}));
  EXPECT_EQ(names("received"), (Texts{"model.norm"}));
  EXPECT_FALSE(resolve_static(selector("module(*Norm)"), plan_for(seen), seen.ranks[0].points[0]));
}

}  // namespace
}  // namespace loadproof::harness::testing
