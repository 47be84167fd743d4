// Delays, limits and stalls, in worlds that are run.
#include <gmock/gmock.h>

#include "tests/harness/run_text.h"

namespace loadproof::harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kTwo = "world: {ranks: 2}\ntensors: {w: {shape: [4], value: 1}}\nsteps:\n";

TEST(VirtualTime, ALimitIsOverOnlyWhenItIsExceeded) {
  const std::string barrier = "  - barrier: {timeout: 60}\n";
  const CaseResult in_time = run_text(kTwo + "  - delay: {seconds: 60, ranks: 0}\n" + barrier);
  EXPECT_THAT(findings_of(in_time, "no_hang"), IsEmpty());
  const CaseResult late = run_text(kTwo + "  - delay: {seconds: 60.5, ranks: 0}\n" + barrier);
  EXPECT_THAT(findings_of(late, "no_hang"), ElementsAre("1 timeout"));
  for (const RankObservation& rank : late.observation.ranks)
    EXPECT_EQ(rank.outcome, Outcome::kBlocked);
}

TEST(VirtualTime, OnlyALimitOfOnesOwnCounts) {
  const std::string slow = kTwo + "  - delay: {seconds: 100, ranks: 0}\n";
  EXPECT_THAT(findings_of(run_text(slow + R"(
  - barrier: {timeout: 60, ranks: 0}
  - barrier: {ranks: 1}
)"),
                          "no_hang"),
              IsEmpty());
}

TEST(VirtualTime, AMeetingTakesAllClocksAlong) {
  const std::string text = kTwo + R"(
  - delay:   {seconds: 100, ranks: 0}
  - barrier: {}
  - delay:   {seconds: 50, ranks: 1}
  - delay:   {id: more, seconds: 20, ranks: 1}
)";
  EXPECT_THAT(findings_of(run_text(text + "  - barrier: {timeout: 70}\n"), "no_hang"), IsEmpty());
  const CaseResult late = run_text(text + "  - barrier: {id: last, timeout: 60}\n");
  EXPECT_EQ(verdict_in(late, "no_hang").findings.at(0).text,
            "rank 0 in last: barrier: came at 100 s and gave up after 60 s, while rank 1 was still "
            "at work in more and would have come at 170 s");
}

TEST(VirtualTime, AGroupHasItsOwn) {
  const CaseResult result = run_text(R"(
world: {nodes: 2, ranks_per_node: 2}
tensors: {w: {shape: [4], value: 1}}
steps:
  - delay:   {seconds: 100, ranks: 0}
  - barrier: {group: node, timeout: 50, ranks: node 1}
  - barrier: {group: node, ranks: node 0}
  - barrier: {id: all, timeout: 50}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("2 timeout", "3 timeout"));
  EXPECT_EQ(verdict_in(result, "no_hang").findings.at(0).text,
            "rank 2 in all: barrier: came at 0 s and gave up after 50 s, while rank 0 was still on "
            "its way and would have come at 100 s");
}

TEST(VirtualTime, WhoNeverComesIsMissingWhateverTheLimit) {
  const CaseResult result = run_text(kTwo + "  - barrier: {ranks: 1, timeout: 60}\n");
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("1 missing"));
}

TEST(Stall, KeepsAllMembersAndMovesNothing) {
  const CaseResult result = run_text(kTwo + R"(
  - fill:  {of: w, ranks: 0, with: value}
  - alloc: {of: w, ranks: 1, as: empty}
  - barrier: {}
  - broadcast: {id: lost, of: w, src: 0, stall: true}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("0 w transport", "1 w transport"));
  EXPECT_EQ(verdict_in(result, "no_hang").findings.at(0).text,
            "all members of group world have posted meeting 1 with the same op, size and dtype, "
            "and none is missing, but the transfer never completes: in lost: broadcast of w "
            "float32 [4], 16 bytes, from rank 0");
  EXPECT_EQ(result.observation.ranks.at(1).points.back().tensors.at(0).states.at(0).root,
            StateKind::kUndefined);
}

TEST(Stall, OfOneMemberKeepsAll) {
  const CaseResult result = run_text(kTwo + R"(
  - barrier: {ranks: 0, stall: true}
  - barrier: {ranks: 1}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("0 transport", "1 transport"));
}

// What is fatal by itself is told as that.
TEST(Stall, DoesNotHideThatMembersDisagree) {
  const CaseResult result = run_text(kTwo + R"(
  - fill: {of: w, with: value}
  - barrier: {ranks: 0, stall: true}
  - broadcast: {of: w, ranks: 1, src: 0}
)");
  EXPECT_THAT(findings_of(result, "no_hang"), ElementsAre("1 w op"));
}

}  // namespace
}  // namespace loadproof::harness
