// Functions and paired copies of tensors, in worlds that are run.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kTensors = R"(
tensors:
  a:    {shape: [4, 2], value: 'arange(0, 1)', kind: scratch}
  part: {shape: [2, 2], value: 1, kind: scratch}
  out:  {shape: [1], value: 28}
  flip: {shape: [2, 4], value: 0}
steps:
)";

std::string error_of(const CaseResult& result) { return result.observation.ranks.at(0).error; }

TEST(Apply, SumsWhatItReads) {
  const CaseResult result = run_text(kTensors + R"(
  - fill:  {of: [a, flip], with: value}
  - apply: {fn: sum, of: out, from: a}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
  EXPECT_THAT(findings_of(result, "defined"), IsEmpty());
}

TEST(Apply, TaintsAReductionByOneElement) {
  const CaseResult result = run_text(kTensors + R"(
  - alloc: {of: a, as: empty}
  - fill:  {of: flip, with: value}
  - fill:  {of: a, with: ones, rows: [0, 1, 2]}
  - apply: {fn: sum, of: out, from: a}
)");
  EXPECT_THAT(findings_of(result, "defined"), ElementsAre("0 out held"));
}

TEST(Apply, DoesNotTaintByRowsThatItDoesNotRead) {
  const CaseResult result = run_text(kTensors + R"(
  - alloc: {of: a, as: empty}
  - fill:  {of: flip, with: value}
  - fill:  {of: a, with: const, const: 14, rows: [0]}
  - apply: {fn: sum, of: out, from: a, rows: [0]}
)");
  EXPECT_THAT(findings_of(result, "defined"), IsEmpty());
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Apply, CarriesTheStateOfEachElementThatItMoves) {
  const CaseResult result = run_text(kTensors + R"(
  - alloc: {of: a, as: empty}
  - fill:  {of: out, with: value}
  - fill:  {of: a, with: zeros, rows: [0, 1, 3]}
  - apply: {fn: transpose, of: flip, from: a}
)");
  const Verdict& defined = verdict_in(result, "defined");
  ASSERT_EQ(findings_of(result, "defined"), (std::vector<std::string>(2, "0 flip held")));
  EXPECT_THAT(defined.findings[0].text, HasSubstr("element 2 "));
  EXPECT_THAT(defined.findings[1].text, HasSubstr("element 6 "));
}

TEST(Apply, WorksInPlace) {
  const CaseResult result = run_text(kTensors + R"(
  - fill:  {of: [out, flip], with: value}
  - apply: {fn: mul, of: flip, const: 2}
  - apply: {fn: add, of: out, const: 1}
)");
  EXPECT_THAT(findings_of(result, "source"), ElementsAre("0 out value"));
}

TEST(Apply, NamesBothShapesWhereTheResultDoesNotFit) {
  const CaseResult result = run_text(kTensors + R"(
  - fill:  {of: a, with: value}
  - apply: {fn: split, of: flip, from: a, parts: 2}
)");
  EXPECT_EQ(error_of(result), "flip has shape [2, 4] and split gives [2, 2]");
}

TEST(Apply, NamesAnInputThatIsOnMeta) {
  const CaseResult result = run_text(kTensors + "  - apply: {fn: sum, of: out, from: a}\n");
  EXPECT_EQ(error_of(result), "a is on meta and has no elements to compute with");
}

const std::string kMoved = R"(
tensors:
  a:   {shape: [4, 2], value: 'arange(0, 1)', kind: scratch}
  out: {shape: [4, 2], value: 'arange(0, 1)'}
steps:
  - fill:  {of: a, with: value}
)";

TEST(Apply, PermutesTheRowsOfAHeadForRope) {
  const CaseResult result =
      run_text(kMoved + "  - apply: {fn: rope_permute, of: out, from: a, head_dim: 4}\n");
  EXPECT_THAT(findings_of(result, "source"), ElementsAre("0 out value"));
  EXPECT_THAT(verdict_in(result, "source").findings[0].text, HasSubstr("elements 2 to 5"));
}

TEST(Apply, LeavesHeadsOfTwoRowsAsTheyAreForRope) {
  const CaseResult result =
      run_text(kMoved + "  - apply: {fn: rope_permute, of: out, from: a, heads: 2}\n");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

const std::string kPairs = R"(
tensors:
  live.{a,b}:  {shape: [2], value: 3}
  stage.{a,b}: {shape: [2], value: 3, kind: scratch}
  stage.c:     {shape: [2], value: 3, kind: scratch}
steps:
  - fill: {of: stage.*, with: value}
)";

TEST(Apply, TakesItsInputsInTheOrderOfTheList) {
  const CaseResult result = run_text(R"(
tensors:
  a: {shape: [2], value: 1, kind: scratch}
  b: {shape: [2], value: 3, kind: scratch}
  c: {shape: [2], value: 2}
steps:
  - fill:  {of: [a, b], with: value}
  - apply: {fn: sub, of: c, from: [b, a]}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Apply, FollowsTheInputThatCarriesTheNaN) {
  const CaseResult result = run_text(R"(
tensors:
  a: {shape: [2], value: 1, kind: scratch}
  b: {shape: [2], kind: scratch}
  c: {shape: [2], value: 2}
steps:
  - fill:  {of: a, with: value}
  - fill:  {id: culprit, of: b, with: nan}
  - apply: {fn: add, of: c, from: [a, b]}
)");
  ASSERT_THAT(findings_of(result, "finite"), testing::SizeIs(1));
  EXPECT_THAT(verdict_in(result, "finite").findings[0].chain, HasSubstr("culprit"));
}

TEST(Apply, TaintsOfAProductTheRowsThatRead) {
  const CaseResult result = run_text(R"(
tensors:
  a: {shape: [2, 2], kind: scratch}
  b: {shape: [2, 2], value: 1, kind: scratch}
  c: {shape: [2, 2], value: 2}
steps:
  - fill:  {of: b, with: value}
  - fill:  {of: a, with: ones, rows: [0]}
  - apply: {fn: matmul, of: c, from: [a, b]}
)");
  ASSERT_THAT(findings_of(result, "defined"), testing::SizeIs(2));
  EXPECT_EQ(verdict_in(result, "defined").findings[0].begin, 2);
  EXPECT_EQ(verdict_in(result, "defined").findings[1].end, 4);
}

TEST(Apply, ScalesBlocksByOneElementEach) {
  const CaseResult result = run_text(R"(
tensors:
  w:     {shape: [2, 4], value: 6, kind: scratch}
  scale: {shape: [2, 2], value: 'arange(1, 1)', kind: scratch}
  codes: {shape: [2, 4], dtype: int8, kind: scratch}
  back:  {shape: [2, 4], value: 6}
steps:
  - fill:  {of: [w, scale], with: value}
  - apply: {fn: quantise, of: codes, from: [w, scale]}
  - apply: {fn: dequantise, of: back, from: [codes, scale], id: decode}
)");
  EXPECT_EQ(error_of(result), "");
  const auto& differing = result.observation.ranks[0].points.back().tensors[3].reference;
  EXPECT_EQ(differing.differing, 2);  // 6 / 4 is no whole number
  EXPECT_EQ(differing.first_differing, 6);
}

TEST(Apply, PadsWithConstantsOfItsOwn) {
  const CaseResult result = run_text(R"(
tensors:
  a: {shape: [2], value: 5, kind: scratch}
  c: {shape: [3], value: 5}
steps:
  - fill:  {of: a, with: value}
  - apply: {fn: pad, of: c, from: a, const: 5}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
  EXPECT_THAT(findings_of(result, "defined"), IsEmpty());
}

TEST(Apply, PairsPatternsOfSeveralInputs) {
  const CaseResult result = run_text(R"(
tensors:
  a.{0,1}: {shape: [2], value: 1, kind: scratch}
  b.{0,1}: {shape: [2], value: 2, kind: scratch}
  c.{0,1}: {shape: [2], value: 3}
steps:
  - fill:  {of: "a.* | b.*", with: value}
  - apply: {fn: add, of: c.*, from: [a.*, b.*]}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Fill, WritesOnlyTheRowsThatItIsAskedFor) {
  const CaseResult result = run_text(R"(
tensors: {w: {shape: [4, 2], init: normal}}
steps:
  - alloc: {of: w, as: empty}
  - fill:  {of: w, with: init, rows: [1]}
)");
  ASSERT_THAT(findings_of(result, "defined"), testing::SizeIs(2));
  EXPECT_EQ(result.observation.ranks[0].points.back().tensors[0].states[1].begin, 2);
}

TEST(Fill, MendsOnlyWhatIsNaN) {
  const CaseResult result = run_text(R"(
tensors:
  w: {shape: [3], value: 1}
steps:
  - fill: {of: w, with: value}
  - fill: {of: w, with: nan, slice: "1:2"}
  - require: {of: w, is: nan, error: no NaN}
  - fill: {of: w, where: nan, with: ones}
  - require: {of: w, is: "!nan", error: a NaN}
)");
  EXPECT_EQ(error_of(result), "");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Fill, SharedStreamsGiveRanksTheSameNumbers) {
  const std::string text = R"(
world: {ranks: 2}
tensors: {w: {shape: [4], init: normal}}
steps:
  - fill: {of: w, with: init, stream: )";
  EXPECT_THAT(findings_of(run_text(text + "shared}\n"), "replicas"), IsEmpty());
  EXPECT_THAT(findings_of(run_text(text + "rank}\n"), "replicas"), testing::SizeIs(1));
}

TEST(Copy, MovesPartsOfTensorsWithTheirStates) {
  const CaseResult result = run_text(R"(
tensors:
  w: {shape: [4, 3], from: file}
  t: {shape: [2, 3], kind: scratch}
steps:
  - read: {of: w}
  - copy: {of: t, slice: "0, :", from: w, from_slice: "2, :"}
  - copy: {of: w, slice: "3, :", from: t, from_slice: "1, :"}
)");
  EXPECT_THAT(findings_of(result, "defined"), ElementsAre("0 w held"));
  EXPECT_EQ(verdict_in(result, "defined").findings[0].begin, 9);
}

TEST(Copy, NamesBothShapesOfPartsThatDoNotFit) {
  const CaseResult result = run_text(R"(
tensors: {w: {shape: [4, 3], from: file}}
steps:
  - read: {of: w}
  - copy: {of: w, slice: "0:2", from: w, from_slice: "0:3"}
)");
  EXPECT_EQ(error_of(result), "shape [3, 3] of w does not fit into shape [2, 3] of w");
}

TEST(View, SharesItsPartAlone) {
  const CaseResult result = run_text(R"(
tensors:
  qkv: {shape: [6, 2], value: 1}
  k:   {shape: [2, 2], value: 1, tie: qkv, slice: "2:4"}
steps:
  - alloc: {of: qkv, as: empty}
  - bind:  {of: tied}
  - fill:  {of: k, with: ones}
)");
  EXPECT_THAT(findings_of(result, "defined"), ElementsAre("0 qkv held", "0 qkv held"));
  EXPECT_THAT(findings_of(result, "alias"), IsEmpty());
}

TEST(Select, EqualAsksForTheSameBits) {
  const std::string text = R"(
tensors:
  a: {shape: [2], value: 1}
  b: {shape: [2], value: 1}
steps:
  - fill: {of: all, with: value}
)";
  const std::string check = "  - require: {of: a, is: equal(b), error: other}\n";
  EXPECT_EQ(error_of(run_text(text + check)), "");
  EXPECT_EQ(error_of(run_text(text + "  - fill: {of: b, with: zeros}\n" + check)), "other: a");
}

TEST(Copy, PairsTensorsByWhatTheStarStandsFor) {
  const CaseResult result = run_text(kPairs + R"(
  - copy: {of: "live.*", from: "stage.*", when: "!stage.c"}
)");
  EXPECT_EQ(error_of(result), "");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Copy, NamesThePartnerThatIsMissing) {
  const CaseResult result = run_text(kPairs + "  - copy: {of: live.*, from: stage.*}\n");
  EXPECT_EQ(error_of(result), "stage.c has no partner here: there is no live.c");
}

}  // namespace
}  // namespace loadproof::harness
