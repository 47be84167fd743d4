#include "harness/memory_difference.h"

#include <gmock/gmock.h>

#include "tests/harness/memories.h"

namespace loadproof::harness::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Holder = PeakObservation::Holder;

MemoryView slow() {
  std::vector<MemoryObservation> memory;
  for (int rank = 0; rank < 3; ++rank)
    memory.push_back(held({rank}, {sample(kHold, kib(8))},
                          {stands("w.0", kib(4)), stands("w.1", kib(3)), stands("copy", kib(1))}));
  return view_of(holding(memory, {peak(Holder::kNode, 0, kib(24), kHold, 2)}),
                 "x.yaml/variant=slow");
}

MemoryView fast() {
  return view_of(
      holding(
          {held({0}, {sample(kHold, kib(8))},
                {stands("w.0", kib(4)), stands("w.1", kib(3)), stands("copy", kib(1))}),
           held({1}, {sample(kSync, kib(2, 8))},
                {stands("w.0", kib(0, 4)), stands("w.1", kib(2, 3)), stands("stage", kib(0, 1))})},
          {peak(Holder::kNode, 0, kib(10, 16), kSync, 1)}),
      "x.yaml/variant=fast");
}

TEST(MemoryDifference, ShowsPeaksSideBySideAndTheTensorsThatDiffer) {
  EXPECT_EQ(memory_difference(slow(), fast()), R"(this   x.yaml/variant=slow
other  x.yaml/variant=fast

peaks                 this       other  difference   ratio
  rank 0, host       8 KiB       8 KiB           0       1
    both at hold (alloc, x.yaml:5)
  rank 1, host       8 KiB       2 KiB      +6 KiB       4
    reserved         8 KiB       8 KiB           0       1
    this at hold (alloc, x.yaml:5)
    other at sync (broadcast, x.yaml:6)
  rank 2, host       8 KiB         0 B      +8 KiB
    this at hold (alloc, x.yaml:5)
    other has no such ranks
  node 0            24 KiB      10 KiB     +14 KiB     2.4
    reserved        24 KiB      16 KiB      +8 KiB     1.5
    this at hold (alloc, x.yaml:5), rank 2
    other at sync (broadcast, x.yaml:6), rank 1

rank 1, host: tensors that do not stand alike at both peaks
  +4 KiB  w.0    4 KiB, other 0 B of 4 KiB
  +1 KiB  copy   1 KiB  only in this
  +1 KiB  w.1    3 KiB, other 2 KiB of 3 KiB
       0  stage  0 B of 1 KiB  only in other

rank 2, host: tensors that do not stand alike at both peaks
  +4 KiB  w.0   4 KiB  only in this
  +3 KiB  w.1   3 KiB  only in this
  +1 KiB  copy  1 KiB  only in this
)");
}

TEST(MemoryDifference, OfACaseAgainstItselfIsNone) {
  const std::string text = memory_difference(slow(), slow());
  EXPECT_THAT(text, HasSubstr("  ranks 0..2, host       8 KiB       8 KiB           0       1\n"
                              "    both at hold (alloc, x.yaml:5)\n"));
  EXPECT_THAT(text, Not(HasSubstr("tensors that")));
}

TEST(MemoryDifference, HasColoursForATerminalAlone) {
  EXPECT_THAT(memory_difference(slow(), fast(), true), HasSubstr("\x1b[1m"));
  EXPECT_THAT(memory_difference(slow(), fast()), Not(HasSubstr("\x1b")));
}

TEST(MemoryDifference, PairsRanksThatAreOfOneGroupOnBothSides) {
  const MemoryView here = slow(), there = fast();
  const std::vector<GroupPair> pairs = pair_groups(here, there);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_THAT(pairs[0].ranks, ElementsAre(0));
  EXPECT_THAT(pairs[1].ranks, ElementsAre(1));
  EXPECT_THAT(pairs[2].ranks, ElementsAre(2));
  EXPECT_EQ(pairs[2].there, nullptr);
  EXPECT_EQ(pair_groups(here, here).size(), 1u);
}

TEST(MemoryDifference, PairsNodesThatHoldTheSameOnBothSides) {
  std::vector<PeakObservation> here, there;
  for (int node = 0; node < 2048; ++node) {
    here.push_back(peak(Holder::kNode, node, kib(4), kRead, node));
    there.push_back(peak(Holder::kNode, node, kib(node == 0 ? 4 : 2), kRead, node));
  }
  const MemoryView ours = view_of(holding({}, here)), theirs = view_of(holding({}, there));
  const std::vector<HoldersPair> pairs = pair_holders(ours, theirs);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(holders_text(pairs[1].any()), "nodes 1..2047");
  EXPECT_EQ(pairs[0].here->ranks, std::vector<int>{0});
  EXPECT_EQ(pairs[1].here->ranks.size(), 2047u);
}

}  // namespace
}  // namespace loadproof::harness::testing
