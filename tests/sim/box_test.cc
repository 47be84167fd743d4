#include "sim/box.h"

#include <gtest/gtest.h>

namespace loadproof {
namespace {

using Runs = std::vector<Run>;

TEST(Box, AWholeTensorIsOneRun) { EXPECT_EQ(runs_of({3, 4}, whole({3, 4})), (Runs{{0, 12}})); }

TEST(Box, AScalarIsOneElement) { EXPECT_EQ(runs_of({}, whole({})), (Runs{{0, 1}})); }

TEST(Box, RowsAreOneRun) { EXPECT_EQ(runs_of({4, 5}, rows({4, 5}, 0, 1, 2)), (Runs{{5, 10}})); }

TEST(Box, ColumnsAreARunARow) {
  EXPECT_EQ(runs_of({3, 4}, rows({3, 4}, 1, 2, 2)), (Runs{{2, 2}, {6, 2}, {10, 2}}));
}

TEST(Box, AnEmptyBoxHasNoRun) { EXPECT_TRUE(runs_of({3, 4}, rows({3, 4}, 0, 3, 0)).empty()); }

TEST(Box, OneExpertsHalfOfAFusedWeightIsOneRun) {
  EXPECT_EQ(runs_of({4, 6, 5}, {{2, 3, 0}, {1, 3, 5}}), (Runs{{2 * 30 + 15, 15}}));
}

TEST(Box, VisitsEveryElementOnceInRowMajorOrder) {
  const std::vector<int64_t> shape = {3, 4, 5};
  const Box box{{1, 1, 2}, {2, 2, 3}};
  std::vector<int64_t> visited;
  for (const loadproof::Run& run : runs_of(shape, box))
    for (int64_t i = 0; i < run.count; ++i) visited.push_back(run.begin + i);
  std::vector<int64_t> expected;
  for (int64_t a = 1; a < 3; ++a)
    for (int64_t b = 1; b < 3; ++b)
      for (int64_t c = 2; c < 5; ++c) expected.push_back((a * 4 + b) * 5 + c);
  EXPECT_EQ(visited, expected);
}

TEST(Box, StatesOfAColumnShardTravelToThePieceAndBack) {
  StateMap full(24, {1, 0});
  full.write(8, 16, {2, 0});  // the second row
  const Box box = rows({3, 4}, 1, 1, 2);
  const std::vector<Interval> cells = read_box(full, {3, 4}, box, 2);
  EXPECT_EQ(cells, (std::vector<Interval>{{0, 4, {1, 2}}, {4, 8, {2, 2}}, {8, 12, {1, 18}}}));
  StateMap back(24, {9, 0});
  write_box(back, {3, 4}, box, 2, cells);
  EXPECT_EQ(read_box(back, {3, 4}, box, 2), cells);
  EXPECT_EQ(back.read(0, 2), (std::vector<Interval>{{0, 2, {9, 0}}}));
}

}  // namespace
}  // namespace loadproof
