#include "sim/writes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadproof::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Stretch = WriteCounts::Stretch;

TEST(WriteCounts, BeginWithNone) {
  EXPECT_THAT(WriteCounts(4).stretches(), ElementsAre(Stretch{0, 4, 0}));
  EXPECT_THAT(WriteCounts(0).stretches(), IsEmpty());
  EXPECT_EQ(WriteCounts(4).elements(), 4);
  EXPECT_EQ(WriteCounts(0).elements(), 0);
}

TEST(WriteCounts, CountEachElementByItself) {
  WriteCounts counts(8);
  counts.add(2, 6);
  counts.add(4, 8);
  EXPECT_THAT(counts.stretches(),
              ElementsAre(Stretch{0, 2, 0}, Stretch{2, 4, 1}, Stretch{4, 6, 2}, Stretch{6, 8, 1}));
  counts.add(0, 2);
  EXPECT_THAT(counts.stretches(),
              ElementsAre(Stretch{0, 4, 1}, Stretch{4, 6, 2}, Stretch{6, 8, 1}));
  counts.add(3, 3);
  EXPECT_EQ(counts.stretches().size(), 3u);
  EXPECT_EQ(counts.elements(), 8);
}

TEST(Origins, AreWrittenUnlessNobodyTouchedThem) {
  EXPECT_FALSE(is_written({.kind = StateKind::kMeta}));
  EXPECT_FALSE(is_written({.kind = StateKind::kUndefined}));
  EXPECT_FALSE(is_written({.kind = StateKind::kPlaceholder, .what = std::string(kLazyZeros)}));
  EXPECT_TRUE(is_written({.kind = StateKind::kPlaceholder, .what = "alloc as zeros"}));
  EXPECT_TRUE(is_written({.kind = StateKind::kLoaded}));
}

}  // namespace
}  // namespace loadproof::sim
