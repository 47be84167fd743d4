#include "sim/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/cut_args.h"

namespace loadproof {
namespace {

using testing::ElementsAre;
using Elements = std::vector<int64_t>;

// Elements of the whole that each place of a piece holds; -1 is padding.
Elements held(const Layout& layout) {
  int64_t count = 1;
  for (int64_t extent : layout.shape) count *= extent;
  Elements elements(static_cast<size_t>(count), -1);
  for (const Part& part : layout.parts)
    for (int64_t i = 0; i < part.count; ++i)
      elements[static_cast<size_t>(part.piece + i)] = part.whole + i;
  return elements;
}

Elements held(const Cut& cut, const std::vector<int64_t>& shape, int64_t members,
              int64_t position) {
  const auto layout = layout_of(cut, shape, {members, position});
  EXPECT_TRUE(layout) << (layout ? "" : layout.error().message);
  return layout ? held(*layout) : Elements{};
}

TEST(Layout, ChunkGivesShortAndEmptyPiecesAtTheEnd) {
  EXPECT_THAT(held({}, {5}, 4, 0), ElementsAre(0, 1));
  EXPECT_THAT(held({}, {5}, 4, 2), ElementsAre(4));
  EXPECT_THAT(held({}, {5}, 4, 3), ElementsAre());
  EXPECT_THAT(held({.dim = 1}, {2, 4}, 2, 1), ElementsAre(2, 3, 6, 7));
}

TEST(Layout, ChunksMayBeginAtMultiples) {
  const Cut cut{.rule = CutRule::kChunk, .multiple = 4};
  EXPECT_EQ(layout_of(cut, {10}, {3, 0})->shape, (std::vector<int64_t>{4}));
  EXPECT_EQ(layout_of(cut, {10}, {3, 2})->parts, (std::vector<Part>{{0, 8, 2}}));
  EXPECT_EQ(layout_of(cut, {8}, {3, 2})->shape, (std::vector<int64_t>{0}));
}

TEST(Layout, EvenIsAnErrorUnlessItDivides) {
  EXPECT_THAT(held({.rule = CutRule::kEven}, {4, 1}, 2, 1), ElementsAre(2, 3));
  const auto uneven = layout_of({.rule = CutRule::kEven}, {5}, {2, 0});
  ASSERT_FALSE(uneven);
  EXPECT_EQ(uneven.error().message, "dimension 0 is 5 and does not divide by 2");
}

TEST(Layout, FloorLeavesRowsInNoPiece) {
  EXPECT_THAT(held({.rule = CutRule::kFloor}, {12, 1}, 5, 4), ElementsAre(8, 9));
}

TEST(Layout, PaddedPiecesAreAllAsLongAsTheFirst) {
  const Cut cut{.rule = CutRule::kPadded, .multiple = 4};
  EXPECT_THAT(held(cut, {12}, 4, 0), ElementsAre(0, 1, 2, -1));
  EXPECT_THAT(held(cut, {12}, 4, 3), ElementsAre(9, 10, 11, -1));
}

TEST(Layout, PackedCutsEachSectionByItself) {
  EXPECT_THAT(held({.rule = CutRule::kPacked}, {8}, 2, 1), ElementsAre(2, 3, 6, 7));
  const Cut qkv{.rule = CutRule::kPacked, .sections = {4, 2, 2}};
  EXPECT_THAT(held(qkv, {8}, 2, 0), ElementsAre(0, 1, 4, 6));
  const auto wrong = layout_of({.rule = CutRule::kPacked, .sections = {4, 2}}, {8}, {2, 0});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "sections of 4 + 2 rows are 6, but dimension 0 has 8");
}

TEST(Layout, CyclicDealsRowsOut) {
  EXPECT_THAT(held({.rule = CutRule::kCyclic}, {5}, 2, 1), ElementsAre(1, 3));
}

TEST(Layout, AnOrderPermutesBeforeItCuts) {
  EXPECT_THAT(held({.order = {3, 1, 0, 2}}, {4}, 2, 0), ElementsAre(3, 1));
  const auto wrong = layout_of({.order = {0}}, {4}, {2, 0});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "an order of 1 rows, but dimension 0 has 4");
  const auto twice = layout_of({.order = {3, 1, 1, 2}}, {4}, {2, 0});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "the order does not have each of the rows 0 to 3 once");
}

TEST(Layout, AStrideMovesPiecesAndShortensThoseThatReachPastTheEnd) {
  const Cut cut{.rule = CutRule::kPadded, .multiple = 4, .stride = 4};
  EXPECT_THAT(held(cut, {12}, 4, 1), ElementsAre(4, 5, 6, -1));
  EXPECT_THAT(held(cut, {12}, 4, 3), ElementsAre(-1, -1, -1, -1));
}

TEST(Layout, RefusesADimensionThatIsNotThere) {
  const auto wrong = layout_of({.dim = 2}, {4, 4}, {2, 0});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "there are 2 dimensions and no dimension 2");
}

// Every element is in exactly one piece, whatever the rule that covers all.
TEST(Layout, PiecesCoverTheWholeOnce) {
  for (CutRule rule : {CutRule::kChunk, CutRule::kPadded, CutRule::kPacked, CutRule::kCyclic})
    for (int64_t members : {1, 2, 3, 4, 7}) {
      std::vector<int> times(24, 0);
      for (int64_t position = 0; position < members; ++position)
        for (int64_t element : held({.rule = rule}, {6, 4}, members, position))
          if (element >= 0) ++times[static_cast<size_t>(element)];
      EXPECT_THAT(times, testing::Each(1)) << name(rule) << " " << members;
    }
}

TEST(Layout, ComposesAsPiecesOfPieces) {
  const Layout outer = *layout_of({.dim = 1}, {4, 4}, {2, 1});
  const Layout inner = *layout_of({.dim = 0}, outer.shape, {2, 1});
  const Layout both = compose(outer, inner);
  EXPECT_THAT(both.shape, ElementsAre(2, 2));
  EXPECT_THAT(held(both), ElementsAre(10, 11, 14, 15));
}

TEST(Layout, StatesOfAPieceAreThoseOfItsElements) {
  StateMap whole(8, {1, 0});
  whole.write(2, 4, {2, 0});
  const Layout layout = *layout_of({.rule = CutRule::kPadded, .multiple = 3}, {4}, {2, 0});
  EXPECT_THAT(pick(whole, layout, 2, {9, 0}),
              ElementsAre(Interval{0, 2, {1, 0}}, Interval{2, 4, {2, 0}}, Interval{4, 6, {9, 0}}));
}

}  // namespace
}  // namespace loadproof
