// Collectives beyond the plain broadcast, and what goes from rank to rank, in worlds that run.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const RankObservation& rank_of(const CaseResult& result, size_t rank) {
  return result.observation.ranks.at(rank);
}

void expect_all_well(const CaseResult& result) {
  for (const Verdict& verdict : result.verdicts)
    EXPECT_NE(verdict.judgement, Judgement::kFail) << verdict.oracle << ": " << verdict.summary;
}

TEST(Scatter, GivesEachRankItsPiece) {
  for (const char* ranks : {"1", "2", "4", "7"})
    expect_all_well(run_text(std::string("world: {ranks: ") + ranks + R"(}
tensors:
  w: {shape: [5, 3], from: file}
steps:
  - read:    {of: w, ranks: 0}
  - scatter: {of: w, dim: 0}
  - gather:  {of: w}
)"));
}

TEST(Scatter, CarriesWhatTheSourceNeverWrote) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [4, 2], value: 0}}
steps:
  - alloc:   {of: w, ranks: 0, as: empty}
  - fill:    {of: w, ranks: 0, with: zeros, rows: [0, 1]}
  - scatter: {of: w}
)");
  EXPECT_THAT(findings_of(result, "defined"), ElementsAre("1 w held"));
}

TEST(Scatter, NeedsDataAtItsSource) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [4, 2], from: file}}
steps:
  - scatter: {of: w, src: 1}
)");
  EXPECT_THAT(rank_of(result, 1).error, HasSubstr("scatter of w, which is on meta"));
  EXPECT_EQ(rank_of(result, 0).outcome, Outcome::kBlocked);
}

TEST(Gather, ToOneLeavesTheOthersTheirPieces) {
  const CaseResult result = run_text(R"(
world: {ranks: 3}
tensors: {w: {shape: [6, 2], from: file}}
steps:
  - read:   {of: w}
  - shard:  {of: w}
  - gather: {of: w, to: 1}
)");
  expect_all_well(result);
  for (size_t rank = 0; rank < 3; ++rank)
    EXPECT_EQ(rank_of(result, rank).points.back().tensors[0].elements, rank == 1 ? 12 : 4);
}

TEST(Gather, OfNestedCutsInTheWrongOrderPermutes) {
  const std::string text = R"(
world: {mesh: {fsdp: 2, tp: 2}}
tensors: {w: {shape: [8, 2], from: file}}
steps:
  - read:   {of: w}
  - shard:  {of: w, over: fsdp}
  - shard:  {of: w, over: tp}
)";
  expect_all_well(
      run_text(text + "  - gather: {of: w, group: tp}\n  - gather: {of: w, group: fsdp}\n"));
  const CaseResult wrong =
      run_text(text + "  - gather: {of: w, group: fsdp}\n  - gather: {of: w, group: tp}\n");
  EXPECT_THAT(findings_of(wrong, "ckpt"),
              ElementsAre("0 w permutation", "1 w permutation", "2 w permutation",
                          "3 w permutation"));
  EXPECT_THAT(findings_of(wrong, "defined"), IsEmpty());
}

TEST(Send, BringsBytesAndTheirHistory) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [4], from: file}}
steps:
  - read:  {of: w, ranks: 0}
  - alloc: {of: w, ranks: 1, as: empty}
  - send:  {of: w, to: 1, ranks: 0}
  - recv:  {of: w, from: 0, ranks: 1}
)");
  expect_all_well(result);
  EXPECT_THAT(rank_of(result, 1).points.back().tensors[0].states[0].chain,
              HasSubstr("received from rank 0"));
}

TEST(Send, BothFirstIsACircle) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [4], from: file}}
steps:
  - read: {of: w}
  - send: {of: w, to: 1, ranks: 0}
  - send: {of: w, to: 0, ranks: 1}
  - recv: {of: w, from: r!=0, ranks: 0}
  - recv: {of: w, from: 0, ranks: 1}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("0 w missing", "1 w missing"));
  EXPECT_THAT(result.observation.wait_report, HasSubstr("cycle: rank 0"));
}

TEST(Send, ToItselfIsAnError) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [4], from: file}}
steps:
  - read: {of: w}
  - send: {of: w, to: 0, ranks: 0}
)");
  EXPECT_THAT(rank_of(result, 0).error, HasSubstr("nothing can go from rank 0 to rank 0"));
}

TEST(Broadcast, IntoAnotherTensorLeavesTheLiveOneAlone) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors:
  w: {shape: [4], from: file}
  t: {shape: [4], kind: scratch}
steps:
  - read:      {of: w, ranks: 0}
  - alloc:     {of: all, ranks: 1, as: empty}
  - broadcast: {of: w, into: t}
)");
  EXPECT_THAT(findings_of(result, "defined"), ElementsAre("1 w held"));
  EXPECT_THAT(findings_of(result, "no_hang"), IsEmpty());
}

TEST(Broadcast, FromARankThatIsNoMember) {
  const CaseResult result = run_text(R"(
world: {mesh: {dp: 2, tp: 2}}
tensors: {w: {shape: [4], from: file}}
steps:
  - read:      {of: w}
  - broadcast: {of: w, group: tp, src: 0, src_in: world}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), testing::Contains("2 w member"));
}

const std::string kView = R"(
world: {ranks: 2}
tensors:
  big: {shape: [4, 6], kind: scratch}
  w:   {shape: [4, 3], from: file, tie: big, slice: ":, 0:3"}
steps:
  - fill: {of: big, with: zeros}
  - bind: {of: tied}
  - read: {of: w, ranks: 0, place: same}
)";

TEST(StridedView, IsRefusedByCollectives) {
  const CaseResult result = run_text(kView + "  - broadcast: {of: w}\n");
  EXPECT_THAT(rank_of(result, 0).error, HasSubstr("Tensors must be contiguous: broadcast of w"));
}

TEST(StridedView, MovesPacked) {
  expect_all_well(run_text(kView + "  - broadcast: {of: w, strided: pack}\n"));
}

TEST(StridedView, ArrivesElsewhereWhereStridesAreIgnored) {
  const CaseResult result = run_text(kView + "  - broadcast: {of: w, strided: ignore}\n");
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre(testing::StartsWith("1 w")));
  EXPECT_THAT(findings_of(result, "defined"), IsEmpty());
}

TEST(Schedule, ShowsARaceOnSharedMemoryUnderSomeOrder) {
  std::string text = R"(
world: {ranks: 2}
tensors:
  buffer0: {shape: [4], kind: scratch, shared: world}
  w:       {shape: [4], value: 1}
invariant: {schedule: [0, 1, 2, 3, 4, 5, 6, 7, 8]}
steps:
  - fill:    {of: w, with: value}
  - fill:    {of: buffer0, with: ones, ranks: 0}
  - barrier: {id: written}
  - fill:    {of: buffer0, with: zeros, ranks: 0}
  - copy:    {of: w, from: buffer0, ranks: 1}
)";
  const CaseResult racy = run_text(text);
  EXPECT_THAT(findings_of(racy, "invariant"), testing::Contains("1 w value"));
  text.replace(text.find("  - fill:    {of: buffer0, with: zeros"), 0, "  - barrier: {}\n");
  text += "  - barrier: {}\n";
  const size_t late = text.find("  - barrier: {}\n");
  const size_t copy = text.find("  - copy:");
  std::string line = text.substr(copy, text.find('\n', copy) + 1 - copy);
  text.erase(copy, line.size());
  text.insert(late, line);
  expect_all_well(run_text(text));
}

TEST(Invariant, HoldsOverWorldSizes) {
  const std::string text = R"(
world: {ranks: 2}
invariant: {world.ranks: [1, 3, 4]}
tensors: {w: {shape: [5, 2], from: file}}
steps:
  - read:  {of: w}
  - shard: {of: w, rule: floor}
)";
  EXPECT_THAT(findings_of(run_text(text), "invariant"),
              testing::Contains("-1 w value"));
  std::string whole = text;
  whole.replace(whole.find("floor"), 5, "chunk");
  EXPECT_THAT(findings_of(run_text(whole), "invariant"), IsEmpty());
}

TEST(Repeat, RunsItsStepsThatOften) {
  const CaseResult result = run_text(R"(
tensors: {w: {shape: [2], value: 8}}
steps:
  - fill:   {of: w, with: ones}
  - repeat: {times: 3, do: [apply: {fn: mul, of: w, const: 2}]}
)");
  expect_all_well(result);
}

TEST(If, KeepsARankFromAStep) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [2], from: file}}
steps:
  - read:    {of: w, ranks: 0, mark: seen}
  - barrier: {id: meet, if: seen}
)");
  EXPECT_EQ(rank_of(result, 0).outcome, Outcome::kBlocked);
  EXPECT_EQ(rank_of(result, 1).outcome, Outcome::kFinished);
}

// Two ranks join tensors of other names.
std::vector<std::string> told_of_reduced(const std::string& match) {
  return findings_of(run_text(R"(world: {ranks: 2}
tensors: {a: {shape: [4]}, b: {shape: [4]}}
steps:
  - fill:       {of: all, with: ones}
  - all_reduce: {of: a, ranks: 0, match: )" + match + R"(}
  - all_reduce: {of: b, ranks: 1, match: )" + match + "}\n"), "no_hang");
}

TEST(AllReduce, ComparesNamesUnlessOnlySizesCount) {
  EXPECT_THAT(told_of_reduced("strict"), ElementsAre(HasSubstr("name")));
  EXPECT_THAT(told_of_reduced("bytes"), IsEmpty());
}

}  // namespace
}  // namespace loadproof::harness
