#include "sim/price.h"

#include <gmock/gmock.h>

#include "sim/disagreements.h"

namespace loadproof::sim {
namespace {

using ::testing::HasSubstr;
using Holder = PeakObservation::Holder;

const Topology kTwoNodes{.nodes = 2, .ranks_per_node = 2};
constexpr Links kUnit{.storage = 1, .memory = 1, .host_device = 1, .intra_node = 1,
                      .inter_node = 1};

Meet meet_of(Collective op, int64_t bytes, int root = -1) {
  return {.op = op, .group = "world", .index = 0, .root = root, .bytes = bytes, .tensor = "w",
          .step = 7};
}

// Holds `before`, meets, and holds `after`.
CostLog meets(int64_t before, const Meet& with, int64_t after) {
  CostLog log;
  ByDevice<MemoryUse> use;
  use[Device::kCpu] = {before, before};
  log.held(use, 1);
  log.meet(with, {});
  use[Device::kCpu] = {after, after};
  log.held(use, 2);
  return log;
}

CostObservation price_of(const Meet& meet) {
  const std::vector<LoggedRanks> all{{{0, 1, 2, 3}, meets(1, meet, 1)}};
  return price(all, kTwoNodes, Groups(kTwoNodes), kUnit);
}

int64_t held_by(const std::vector<PeakObservation>& peaks, Holder holder, int index) {
  for (const PeakObservation& peak : peaks)
    if (peak.holder == holder && std::ranges::count(peak.alike, index) > 0) return peak.resident;
  return -1;
}

TEST(Peaks, OfANodeAreSumsOfWhatIsHeldBetweenTwoMeetings) {
  const Meet meet = meet_of(Collective::kBarrier, 0);
  // The first rank of each node holds much before they meet, the other after it.
  const std::vector<LoggedRanks> all{{{0, 2}, meets(8, meet, 1)}, {{1, 3}, meets(1, meet, 6)}};
  const auto peaks = peaks_of(all, kTwoNodes);
  EXPECT_EQ(held_by(peaks, Holder::kRank, 2), 8);
  EXPECT_EQ(held_by(peaks, Holder::kRank, 3), 6);
  EXPECT_EQ(held_by(peaks, Holder::kNode, 1), 9);
}

TEST(Peaks, AreSumsOfTheMostWhereNotAllMeetAsOften) {
  CostLog alone;
  ByDevice<MemoryUse> use;
  use[Device::kCpu] = {6, 6};
  alone.held(use, 1);
  const std::vector<LoggedRanks> all{
      {{0, 2}, meets(8, meet_of(Collective::kBarrier, 0), 1)}, {{1, 3}, alone}};
  EXPECT_EQ(held_by(peaks_of(all, kTwoNodes), Holder::kNode, 0), 14);
}

TEST(Price, OfABroadcastIsAChain) {
  const CostObservation cost = price_of(meet_of(Collective::kBroadcast, 12, 0));
  EXPECT_EQ(cost.intra_node.bytes, 2 * 12);
  EXPECT_EQ(cost.inter_node.bytes, 12);
  EXPECT_DOUBLE_EQ(cost.seconds, 12);
}

TEST(Price, OfAnAllGatherIsARingThatLeavesOutTheOwnPiece) {
  const CostObservation cost = price_of(meet_of(Collective::kAllGather, 12));
  EXPECT_EQ(cost.intra_node.bytes, 2 * 9);  // two of the four hops, three quarters each
  EXPECT_EQ(cost.inter_node.bytes, 2 * 9);
}

TEST(Price, OfAnAllReduceIsTwiceThat) {
  EXPECT_EQ(price_of(meet_of(Collective::kAllReduce, 12)).inter_node.bytes, 2 * 18);
}

TEST(Price, OfAScatterGoesStraightFromItsSource) {
  const CostObservation cost = price_of(meet_of(Collective::kScatter, 12, 1));
  EXPECT_EQ(cost.intra_node.bytes, 3);
  EXPECT_EQ(cost.inter_node.bytes, 6);
}

TEST(Price, SharesANodesStorageAmongItsRanks) {
  CostLog reader;
  reader.work({.read = 5, .reads = 1});
  const std::vector<LoggedRanks> all{{{0, 1, 2}, reader}, {{3}, CostLog()}};
  const CostObservation cost = price(all, kTwoNodes, Groups(kTwoNodes), kUnit);
  EXPECT_EQ(cost.storage_read.bytes, 15);
  EXPECT_DOUBLE_EQ(cost.storage_read.seconds, 10);  // of node 0
  EXPECT_DOUBLE_EQ(cost.seconds, 10);
  ASSERT_EQ(cost.reads.size(), 2u);
  EXPECT_EQ(cost.reads[0].reads, 2);
  EXPECT_EQ(cost.reads[1].nodes, std::vector<int>{1});
}

std::vector<MismatchObservation> differences(const Meet& a, const Meet& b) {
  const std::vector<LoggedRanks> all{{{0, 1, 2}, meets(1, a, 1)}, {{3}, meets(1, b, 1)}};
  return disagreements(all, kTwoNodes, Groups(kTwoNodes));
}

TEST(Disagreements, AreNoneWhereAllSayTheSame) {
  const Meet meet = meet_of(Collective::kBroadcast, 12, 0);
  EXPECT_TRUE(differences(meet, meet).empty());
}

TEST(Disagreements, TellTheFirstDifference) {
  const Meet meet = meet_of(Collective::kBroadcast, 12, 0);
  Meet other = meet;
  other.root = 1;
  EXPECT_EQ(differences(meet, other).at(0).kind, "source");
  other = meet;
  other.tensor = "v";
  EXPECT_EQ(differences(meet, other).at(0).kind, "name");
  other.bytes = 6;
  EXPECT_EQ(differences(meet, other).at(0).kind, "size");
  other.op = Collective::kAllReduce;
  const MismatchObservation found = differences(meet, other).at(0);
  EXPECT_EQ(found.kind, "op");
  EXPECT_EQ(found.ranks, std::vector<int>{3});
  EXPECT_THAT(found.text, HasSubstr("collective 1 of world: rank 0 comes to broadcast of w, 12 "
                                    "bytes, and rank 3 to all_reduce of v, 6 bytes"));
}

TEST(Disagreements, TellWhoNeverComes) {
  const std::vector<LoggedRanks> all{
      {{0, 1, 2}, meets(1, meet_of(Collective::kBarrier, 0), 1)}, {{3}, CostLog()}};
  const auto found = disagreements(all, kTwoNodes, Groups(kTwoNodes));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, "missing");
  EXPECT_EQ(found[0].ranks, std::vector<int>{3});
}

}  // namespace
}  // namespace loadproof::sim
