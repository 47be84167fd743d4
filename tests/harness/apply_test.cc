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
