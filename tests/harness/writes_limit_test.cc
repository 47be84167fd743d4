// `limits: {writes: N}`: what counts as a write of an element, in worlds that are run.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kOnce = "limits: {writes: 1}\n";
const std::string kTensors = R"(tensors:
  w: {shape: [4], from: file, init: normal}
  v: {shape: [4], from: file}
steps:
)";

std::vector<std::string> rewritten(const std::string& steps) {
  return findings_of(run_text(kOnce + kTensors + steps), "no_vacuous");
}

TEST(WritesLimit, IsOfStepsThatWriteTheSameElements) {
  EXPECT_THAT(rewritten("  - read: {of: all}\n"), IsEmpty());
  EXPECT_THAT(rewritten("  - fill: {of: w, with: init}\n  - read: {of: all}\n"),
              ElementsAre("0 w rewritten"));
  EXPECT_THAT(rewritten("  - fill: {of: w, with: init}\n  - read: {of: all, place: same}\n"),
              ElementsAre("0 w rewritten"));
  EXPECT_THAT(rewritten("  - read: {of: all}\n  - copy: {of: w, from: v}\n"),
              ElementsAre("0 w rewritten"));
  EXPECT_THAT(rewritten("  - read: {of: all}\n  - apply: {fn: mul, of: w, const: 1}\n"),
              ElementsAre("0 w rewritten"));
}

TEST(WritesLimit, LetsDifferentElementsBeWrittenByDifferentSteps) {
  const std::string parts = R"(  - alloc: {of: w, as: empty}
  - fill:  {of: w, with: ones, rows: [0, 1]}
  - fill:  {of: w, with: ones, rows: [2, 3]}
)";
  EXPECT_THAT(rewritten(parts), IsEmpty());
  EXPECT_THAT(rewritten(parts + "  - fill: {of: w, with: ones, rows: [3]}\n"),
              ElementsAre("0 w rewritten"));
}

TEST(WritesLimit, CountsWhatIsAllocatedOnlyAsZeros) {
  for (const char* as : {"empty", "meta", "zeros_lazy"})
    EXPECT_THAT(rewritten(fmt::format("  - alloc: {{of: w, as: {}}}\n  - read: {{of: w}}\n", as)),
                IsEmpty())
        << as;
  EXPECT_THAT(rewritten("  - alloc: {of: w, as: zeros}\n  - read: {of: w}\n"),
              ElementsAre("0 w rewritten"));
  EXPECT_THAT(rewritten("  - read: {of: w}\n  - free: {of: w, rows: [1]}\n"), IsEmpty());
}

TEST(WritesLimit, SeesAllNamesOfAStorageAsOneAndScratchAsNone) {
  EXPECT_THAT(findings_of(run_text(kOnce + R"(tensors:
  w:       {shape: [4], from: file}
  head:    {shape: [4], tie: w}
  staging: {shape: [4], kind: scratch}
steps:
  - read: {of: w}
  - bind: {of: head}
  - read: {of: staging, key: w}
  - read: {of: staging, key: w}
  - copy: {of: head, from: staging}
)"),
                          "no_vacuous"),
              ElementsAre("0 w rewritten"));
}

TEST(WritesLimit, CountsWhatAViewWritesWhereItLies) {
  const std::string text = kOnce + R"(tensors:
  w:    {shape: [4, 2], from: file}
  half: {shape: [2, 2], kind: scratch, tie: w, slice: "2:4"}
steps:
  - read: {of: w}
  - bind: {of: half}
)";
  EXPECT_THAT(findings_of(run_text(text), "no_vacuous"), IsEmpty());
  const CaseResult result = run_text(text + "  - fill: {of: half, with: ones}\n");
  ASSERT_THAT(findings_of(result, "no_vacuous"), ElementsAre("0 w rewritten"));
  const Finding& finding = verdict_in(result, "no_vacuous").findings[0];
  EXPECT_EQ(finding.begin, 4);
  EXPECT_EQ(finding.end, 8);
}

TEST(WritesLimit, CountsWhatComesByCollectives) {
  const std::string text = "world: {ranks: 3}\n" + kOnce + kTensors + R"(
  - read:  {of: w, ranks: 0}
  - alloc: {of: w, ranks: r>0, as: empty}
  - fill:  {id: init, of: w, ranks: 1, with: init}
  - broadcast: {id: sync, of: w, src: 0}
)";
  const CaseResult result = run_text(text);
  EXPECT_THAT(findings_of(result, "no_vacuous"), ElementsAre("1 w rewritten"));
  EXPECT_THAT(verdict_in(result, "no_vacuous").findings[0].text,
              HasSubstr("elements 0 to 3 were written 2 times, 1 allowed; last by step 'sync'"));
}

TEST(WritesLimit, BeginsAnewWithAnotherPiece) {
  EXPECT_THAT(findings_of(run_text("world: {ranks: 2}\n" + kOnce + kTensors + R"(
  - read:   {of: w}
  - shard:  {of: w}
  - gather: {of: w}
)"),
                          "no_vacuous"),
              IsEmpty());
}

TEST(WritesLimit, IsTheCasesOwn) {
  const std::string twice = kTensors + "  - fill: {of: w, with: init}\n  - read: {of: w}\n";
  EXPECT_THAT(findings_of(run_text(twice), "no_vacuous"), IsEmpty());
  EXPECT_THAT(run_text(twice).observation.writes, IsEmpty());
  EXPECT_THAT(findings_of(run_text("limits: {writes: 2}\n" + twice), "no_vacuous"), IsEmpty());
  EXPECT_THAT(findings_of(run_text("limits: {writes: 0}\n" + twice), "no_vacuous"),
              ElementsAre("0 w rewritten"));
}

}  // namespace
}  // namespace loadproof::harness
