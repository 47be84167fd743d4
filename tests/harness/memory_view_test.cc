#include "harness/memory_view.h"

#include <gmock/gmock.h>

#include "tests/harness/memories.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;
using Holder = PeakObservation::Holder;

TEST(MemoryView, MakesOneOfRanksThatHoldTheSame) {
  MemorySample counted = sample(kHold, kib(4));
  counted.committed = 9;
  const MemoryView view =
      view_of(holding({held({0}, {sample(kRead, kib(4))}), held({1}, {sample(kHold, kib(4))}),
                       held({2}, {sample(kRead, kib(4))}), held({3}, {counted})}));
  ASSERT_EQ(view.groups.size(), 2u);
  EXPECT_THAT(view.groups[0].ranks, ElementsAre(0, 2));
  EXPECT_THAT(view.groups[1].ranks, ElementsAre(1, 3));
  EXPECT_EQ(view.groups[1].samples[0].committed, 9);
}

TEST(MemoryView, TellsRanksApartByTheTensorsThatStand) {
  const MemoryView view =
      view_of(holding({held({0}, {sample(kRead, kib(4))}, {stands("a", kib(4))}),
                       held({1}, {sample(kRead, kib(4))}, {stands("b", kib(4))})}));
  EXPECT_EQ(view.groups.size(), 2u);
}

TEST(MemoryView, MakesOneOfNodesThatHoldTheSame) {
  const MemoryView view = view_of(holding(
      {}, {peak(Holder::kRank, 0, kib(1), kRead, 0), peak(Holder::kNode, 0, kib(2), kRead, 1),
           peak(Holder::kNode, 1, kib(1), kRead, 2), peak(Holder::kNode, 2, kib(1), kRead, 4),
           peak(Holder::kDevice, 0, {}, -1, -1)}));
  EXPECT_THAT(view.holders, ElementsAre(Holders{Holder::kNode, {0}, kib(2), kRead, {1}},
                                        Holders{Holder::kNode, {1, 2}, kib(1), kRead, {2, 4}}));
  EXPECT_EQ(holders_text(view.holders[1]), "nodes 1, 2");
}

TEST(MemoryView, KnowsTheStepOfAPeakThatNobodyWrote) {
  PeakObservation reserved = peak(Holder::kNode, 0, kib(0, 8), kHold, 3);
  reserved.step = reserved.rank = -1;  // where nothing is resident
  EXPECT_THAT(view_of(holding({}, {reserved})).holders,
              ElementsAre(Holders{Holder::kNode, {0}, kib(0, 8), kHold, {3}}));
}

TEST(MemoryView, TakesThoseThatADryRunSaysAreAlike) {
  PeakObservation nodes = peak(Holder::kNode, 1, kib(1), kRead, 8);
  nodes.alike = {1, 3, 5};
  const MemoryView view = view_of(holding({}, {peak(Holder::kNode, 0, kib(2), kRead, 0), nodes,
                                               peak(Holder::kNode, 2, kib(1), kRead, 16)}));
  ASSERT_EQ(view.holders.size(), 2u);
  EXPECT_EQ(view.holders[1],
            (Holders{Holder::kNode, {1, 2, 3, 5}, kib(1), kRead, {8, 16, -1, -1}}));
  EXPECT_EQ(peak_text(view, view.holders[1]),
            "read@4 (read, x.yaml:4), ranks 8, 16 and others alike");
  Observation seen = holding({held({0, 1, 2}, {sample(kRead, kib(4))})});
  seen.ranks = {rank(0, {})};
  stopped(seen.ranks[0], Outcome::kBlocked);
  EXPECT_THAT(view_of(seen).endings[0].ranks, ElementsAre(0, 1, 2));
}

TEST(MemoryView, TellsHowRanksEnded) {
  Observation seen = world({rank(0, {}), rank(1, {}), rank(2, {}), rank(3, {})});
  stopped(seen.ranks[1], Outcome::kRaised, "no such key");
  stopped(seen.ranks[3], Outcome::kRaised, "no such key");
  stopped(seen.ranks[2], Outcome::kBlocked);
  seen.steps[kSync].file = "scenarios/x.yaml";
  EXPECT_THAT(view_of(seen).endings,
              ElementsAre(Ending{{1, 3}, "raised at step sync (broadcast, x.yaml:6): no such key"},
                          Ending{{2}, "waits for ever at step sync (broadcast, x.yaml:6)"}));
}

TEST(MemoryView, MakesOneRowOfTheTurnsOfAStep) {
  MemorySample replaced = sample(kSync, kib(3));
  replaced.most[Device::kCpu] = kib(7);
  replaced.committed = 5;
  EXPECT_THAT(
      step_rows(held({0}, {sample(kRead, kib(4)), sample(kHold, kib(6)), replaced,
                           sample(kHold, kib(5)), sample(kSync, kib(2, 3))}),
                Device::kCpu),
      ElementsAre(StepRow{kRead, 1, kib(4), kib(4), -1}, StepRow{kHold, 2, kib(5), kib(6), -1},
                  StepRow{kSync, 2, kib(2, 3), kib(7), 5}));
}

TEST(MemoryView, LeavesOutStepsThatChangeAnotherDevice) {
  MemorySample moved = sample(kSync, kib(4));
  moved.most[Device::kCuda] = moved.after[Device::kCuda] = kib(1);
  const MemoryObservation both = held({0}, {sample(kRead, kib(4)), moved});
  EXPECT_EQ(step_rows(both, Device::kCpu).size(), 1u);
  EXPECT_EQ(step_rows(both, Device::kCuda).size(), 1u);
  EXPECT_TRUE(is_used(both, Device::kCuda));
  EXPECT_FALSE(is_used(held({0}, {sample(kRead, kib(4))}), Device::kCuda));
}

TEST(MemoryView, ShortensTheFileOfALabel) {
  Observation seen = holding({});
  seen.steps[kSync] = {"sync", "broadcast", "loaders/transformers-5.4.0.yaml", 40};
  const MemoryView view = view_of(seen);
  EXPECT_EQ(label_text(view, kSync), "sync (broadcast, transformers-5.4.0.yaml:40)");
  EXPECT_EQ(label_text(view, kSync, 36), "sync (broadcast, transfo….0.yaml:40)");
  EXPECT_EQ(label_text(view, kSync, 12), "sync …ml:40)");
  EXPECT_EQ(label_text(view, -1), "");
}

TEST(MemoryView, ShowsTheHighestOfManyInTheirOrder) {
  EXPECT_THAT(highest({1, 5, 3, 5}, 2), ElementsAre(1u, 3u));
  EXPECT_THAT(highest({1, 5}, 2), ElementsAre(0u, 1u));
  EXPECT_THAT(highest({1, 1, 1}, 1), ElementsAre(0u));
}

}  // namespace
}  // namespace loadproof::harness::testing
