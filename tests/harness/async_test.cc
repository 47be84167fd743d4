// What is posted and not waited for, and what a reduction tells of those who gave to it.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kTemporary = R"(
world: {ranks: 2}
tensors:
  w: {shape: [4], from: file}
  t: {shape: [4], kind: scratch}
steps:
  - read:      {of: w, ranks: 0}
  - alloc:     {of: w, ranks: 1, as: empty}
  - copy:      {of: t, from: w, ranks: 0}
  - broadcast: {id: sync, of: t, src: 0, async: true, ranks: 0}
  - broadcast: {of: t, into: w, src: 0, ranks: 1}
)";
const std::string kReuse = "  - fill: {of: t, with: zeros, ranks: 0}\n";

TEST(Async, SendsWhatIsThereWhenAllHaveCome) {
  const CaseResult result = run_text(kTemporary + kReuse);
  EXPECT_THAT(findings_of(result, "ckpt"), ElementsAre(testing::StartsWith("1 w")));
}

TEST(Async, IsOverAfterAWait) {
  const CaseResult result =
      run_text(kTemporary + "  - wait: {for: sync, ranks: 0}\n" + kReuse);
  EXPECT_THAT(findings_of(result, "ckpt"), IsEmpty());
  EXPECT_THAT(findings_of(result, "no_hang"), IsEmpty());
}

TEST(Async, AWaitForWhatNeverMeetsIsAHang) {
  const CaseResult result = run_text(R"(
world: {ranks: 2}
tensors: {w: {shape: [4], from: file}}
steps:
  - read:      {of: w}
  - broadcast: {id: sync, of: w, async: true, ranks: 0}
  - wait:      {for: sync, ranks: 0}
)");
  EXPECT_EQ(result.observation.ranks[0].outcome, Outcome::kBlocked);
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("0 w missing"));
}

TEST(Async, WaitsOnlyForStepsThatThereAre) {
  EXPECT_THAT(problems({R"(about: a
tensors: {w: {shape: [1]}}
steps: [wait: {for: sink}, barrier: {id: sync}]
)",
                        {}}),
              ElementsAre(HasSubstr("unknown step in \"for\" of wait \"sink\"")));
}

TEST(Reduce, FollowsTheRankThatGaveTheNaN) {
  const CaseResult result = run_text(R"(
world: {ranks: 3}
tensors: {w: {shape: [2], value: 1}}
steps:
  - fill:       {of: w, with: zeros}
  - fill:       {id: culprit, of: w, with: nan, ranks: 2, slice: "1:2"}
  - all_reduce: {of: w}
)");
  const auto& states = result.observation.ranks[0].points.back().tensors[0].states;
  ASSERT_THAT(states, testing::SizeIs(2));
  EXPECT_THAT(states[1].chain, HasSubstr("culprit"));
}

TEST(Reduce, ToOneLeavesTheOthersWhatTheyHad) {
  const CaseResult result = run_text(R"(
world: {ranks: 3}
tensors:
  w: {shape: [2], value: 3, ranks: 1}
  v: {shape: [2], value: 1}
steps:
  - fill:       {of: v, with: ones}
  - all_reduce: {of: v, to: 1}
  - copy:       {of: w, from: v, ranks: 1}
  - fill:       {of: v, with: ones, ranks: 1}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Patterns, PairInsideALoopByTheLoop) {
  const CaseResult result = run_text(R"(
tensors:
  w.{0,1}: {shape: [2], from: file}
  p.{0,1}: {shape: [2], kind: scratch}
steps:
  - read: {of: w.*}
  - each: {of: p.*, do: [copy: {of: it, from: w.*}]}
  - each: {of: w.*, do: [copy: {of: it, from: p.*}]}
)");
  EXPECT_THAT(findings_of(result, "ckpt"), IsEmpty());
  EXPECT_THAT(findings_of(result, "no_error"), IsEmpty());
}

TEST(Value, IsAListOfItsElements) {
  const CaseResult result = run_text(R"(
tensors:
  slots: {shape: [3], dtype: int64, value: [2, -1, 0], kind: scratch}
  rows:  {shape: [3, 1], value: 5, kind: scratch}
  cache: {shape: [4, 1], value: [5, 0, 5, 0]}
steps:
  - fill:  {of: [slots, rows], with: value}
  - fill:  {of: cache, with: zeros}
  - apply: {id: write, fn: put, of: cache, from: [cache, slots, rows]}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Value, ANegativeIndexMayWrap) {
  const std::string text = R"(
tensors:
  slots: {shape: [1], dtype: int64, value: [-1], kind: scratch}
  rows:  {shape: [1, 1], value: 5, kind: scratch}
  cache: {shape: [3, 1], value: [0, 0, 5]}
steps:
  - fill:  {of: [slots, rows], with: value}
  - fill:  {of: cache, with: zeros}
  - apply: {fn: put, of: cache, from: [cache, slots, rows], negative: )";
  EXPECT_THAT(findings_of(run_text(text + "wrap}\n"), "source"), IsEmpty());
  EXPECT_EQ(run_text(text + "error}\n").observation.ranks[0].error,
            "cache: put found index -1, and there are 3 rows");
}

TEST(Scale, OfAGridMayHaveAShortLastBlock) {
  const CaseResult result = run_text(R"(
tensors:
  w:     {shape: [3, 5], value: 2, kind: scratch}
  scale: {shape: [2, 3], value: 'arange(1, 1)', kind: scratch}
  back:  {shape: [3, 5], value: [2, 2, 4, 4, 6, 2, 2, 4, 4, 6, 8, 8, 10, 10, 12]}
steps:
  - fill:  {of: [w, scale], with: value}
  - apply: {fn: dequantise, of: back, from: [w, scale]}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
}

TEST(Update, RestoresOnlyWhatItIsAbout) {
  const CaseResult result = run_text(R"(
tensors:
  w:    {shape: [2], value: 1}
  note: {shape: [1], value: 7}
steps:
  - fill: {of: w, with: value}
  - fill: {of: note, with: zeros}
  - update:
      id: refit
      of: w
      on_error: restore
      failed: broken
      do:
        - fill:  {of: note, with: value}
        - fill:  {of: w, with: zeros}
        - raise: {error: no w}
  - require: {of: w, is: broken, error: not told}
)");
  EXPECT_THAT(findings_of(result, "source"), IsEmpty());
  EXPECT_THAT(findings_of(result, "atomic"), IsEmpty());
  EXPECT_EQ(result.observation.ranks[0].outcome, Outcome::kFinished);
}

}  // namespace
}  // namespace loadproof::harness
