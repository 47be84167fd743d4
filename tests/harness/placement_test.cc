// Where the right elements must be: the piece that a tensor declares, on the ranks that have it, as
// near to its value as it must be.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kMesh = R"(world: {mesh: {dp: 2, tp: 2}}
tensors: {w: {shape: [4, 2], from: file, shard: {dim: 0, over: tp}}}
steps:
)";

std::vector<std::string> astray(const std::string& steps) {
  return findings_of(run_text(kMesh + steps), "ckpt");
}

TEST(Layout, IsThePieceThatTheTensorDeclares) {
  EXPECT_THAT(astray("  - read: {of: w}\n"), IsEmpty());
  EXPECT_THAT(astray("  - read: {of: w, slice: whole}\n  - shard: {of: w, over: tp}\n"), IsEmpty());
  EXPECT_THAT(astray("  - read: {of: w, slice: whole}\n"),
              ElementsAre("0 w layout", "1 w layout", "2 w layout", "3 w layout"));
  EXPECT_THAT(astray("  - read: {of: w, slice: whole}\n  - shard: {of: w, over: dp}\n"),
              ElementsAre("1 w layout", "2 w layout"));
}

TEST(Layout, IsToldWithWhatTheRankHoldsInstead) {
  const CaseResult result =
      run_text(kMesh + "  - read: {of: w, slice: whole}\n  - shard: {of: w, over: world}\n");
  EXPECT_THAT(
      verdict_in(result, "ckpt").findings.at(3).text,
      HasSubstr("rank 3, w: ends as another piece than it declares: elements 6 to 7 instead "
                "of elements 4 to 7"));
}

TEST(Layout, MayBeCutAgainOrGathered) {
  EXPECT_THAT(astray("  - read: {of: w}\n  - shard: {of: w, over: dp}\n"), IsEmpty());
  EXPECT_THAT(astray("  - read: {of: w}\n  - gather: {of: w, group: tp}\n"), IsEmpty());
}

TEST(Layout, IsNoQuestionForAGroupOfOne) {
  EXPECT_THAT(findings_of(run_text(R"(world: {mesh: {tp: 1}}
tensors: {w: {shape: [4], from: file, shard: {dim: 0, over: tp}}}
steps: [read: {of: w, slice: whole}]
)"),
                          "ckpt"),
              IsEmpty());
}

TEST(Layout, IsJudgedByTheOracleOfTheValue) {
  const CaseResult result = run_text(R"(world: {ranks: 2}
tensors: {w: {shape: [4], value: 1, shard: {dim: 0}}}
steps:
  - fill:   {of: w, with: value}
  - observe: {}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
  const CaseResult other = run_text(R"(world: {ranks: 2}
tensors:
  w: {shape: [4], value: 1, shard: {dim: 0}}
  s: {shape: [4], kind: scratch}
steps:
  - fill: {of: s, with: ones}
  - bind: {of: w, to: s}
)");
  EXPECT_THAT(findings_of(other, "source"), ElementsAre("0 w layout", "1 w layout"));
  EXPECT_THAT(findings_of(other, "ckpt"), IsEmpty());
}

TEST(Coverage, WantsAHolderForEveryTensorOfTheFile) {
  const std::string text = R"(world: {mesh: {pp: 2}}
tensors:
  a: {shape: [2], from: file, ranks: pp 0}
  b: {shape: [2], from: file, ranks: "pp 2 | pp 3"}
  c: {shape: [2], from: file, ranks: none, kind: scratch}
steps: [read: {of: a, ranks: pp 0}]
expect: {ckpt: {fail: {of: b, kind: uncovered}}}
)";
  const CaseResult result = run_text(text);
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre("-1 b uncovered"));
  EXPECT_EQ(verdict_in(result, "ckpt").findings[0].text,
            "b: is in the file, and no rank has it (ranks: pp 2 | pp 3)");
  EXPECT_THAT(result.surprises, IsEmpty());
}

TEST(Coverage, LeavesTensorsToTheStepsOfSource) {
  const CaseResult result = run_text(R"(tensors:
  a: {shape: [2], from: file, ranks: none}
  b: {shape: [2]}
source:
  - read: {of: b, key: a}
steps:
  - read: {of: b, key: a}
)");
  EXPECT_THAT(result.surprises, IsEmpty());
}

TEST(Tolerance, IsHowFarAValueMayBe) {
  const auto judged = [](const std::string& tolerance) {
    return findings_of(run_text("world: {ranks: 2}\ntensors:\n"
                                "  w: {shape: [4], value: 'linspace(0, 3)', shard: {dim: 0}" +
                                tolerance + "}\nsteps:\n" +
                                "  - fill:  {of: w, with: value}\n"
                                "  - apply: {fn: add, of: w, const: 0.25}\n"),
                       "source");
  };
  EXPECT_THAT(judged(""), ElementsAre("0 w value", "1 w value"));
  EXPECT_THAT(judged(", tolerance: 0.2"), ElementsAre("0 w value", "1 w value"));
  EXPECT_THAT(judged(", tolerance: 0.25"), IsEmpty());
}

TEST(Tolerance, IsNoneForNaNAndForWhereElementsComeFrom) {
  const auto judged = [](const std::string& steps) {
    return findings_of(run_text(R"(tensors:
  w.{1,2}: {shape: [4], from: file, tolerance: 1000}
steps:
  - read: {of: all}
)" + steps),
                       "ckpt");
  };
  EXPECT_THAT(judged(""), IsEmpty());
  EXPECT_THAT(judged("  - apply: {fn: mul, of: all, const: 1.001}\n"), IsEmpty());
  EXPECT_THAT(judged("  - fill: {of: w.1, with: nan, rows: [1]}\n"), ElementsAre("0 w.1 value"));
  EXPECT_THAT(judged("  - copy: {of: w.1, from: w.2}\n"), ElementsAre("0 w.1 coverage"));
}

}  // namespace
}  // namespace loadproof::harness
