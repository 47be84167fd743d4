#include "sim/state.h"

#include <gtest/gtest.h>

#include <random>

namespace loadproof {
namespace {

using Intervals = std::vector<Interval>;

TEST(StateMap, CutsIntervalsOutForAnotherPlace) {
  StateMap states(8, {1, 0});
  states.write(2, 4, {2, 0});
  EXPECT_EQ(states.cut_out(1, 6, 10),
            (std::vector<Interval>{{10, 11, {1, 1}}, {11, 13, {2, 0}}, {13, 15, {1, 4}}}));
}

TEST(StateMap, IsOneIntervalAtFirst) {
  EXPECT_EQ(StateMap(64, {3, 0}).intervals(), (Intervals{{0, 64, {3, 0}}}));
}

TEST(StateMap, OfNoBytesHasNoInterval) { EXPECT_TRUE(StateMap(0, {3, 0}).intervals().empty()); }

TEST(StateMap, AWriteInTheMiddleSplitsAndKeepsOffsets) {
  StateMap map(64, {1, 0});
  map.write(16, 32, {2, 100});
  EXPECT_EQ(map.intervals(), (Intervals{{0, 16, {1, 0}}, {16, 32, {2, 100}}, {32, 64, {1, 32}}}));
}

TEST(StateMap, WritesThatContinueEachOtherBecomeOne) {
  StateMap map(64, {1, 0});
  map.write(0, 32, {2, 0});
  map.write(32, 64, {2, 32});
  EXPECT_EQ(map.intervals(), (Intervals{{0, 64, {2, 0}}}));
}

TEST(StateMap, TheSameBytesTwiceAreNotAContinuation) {
  StateMap map(64, {1, 0});
  map.write(0, 32, {2, 0});
  map.write(32, 64, {2, 0});
  EXPECT_EQ(map.intervals(), (Intervals{{0, 32, {2, 0}}, {32, 64, {2, 0}}}));
}

TEST(StateMap, ReadClipsAndMovesOffsets) {
  StateMap map(64, {1, 0});
  map.write(16, 32, {2, 100});
  EXPECT_EQ(map.read(20, 40), (Intervals{{20, 32, {2, 104}}, {32, 40, {1, 32}}}));
}

TEST(StateMap, AgreesWithAMapOfSingleBytes) {
  std::mt19937 random(7);
  auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (int round = 0; round < 50; ++round) {
    constexpr int64_t kBytes = 40;
    StateMap map(kBytes, {0, 0});
    std::vector<Cell> naive(kBytes);
    for (int64_t i = 0; i < kBytes; ++i) naive[static_cast<size_t>(i)] = {0, i};
    for (int write = 0; write < 20; ++write) {
      const int64_t begin = below(kBytes + 1), end = begin + below(kBytes - begin + 1);
      const Cell cell{static_cast<OriginId>(below(4)), below(8)};
      map.write(begin, end, cell);
      for (int64_t i = begin; i < end; ++i)
        naive[static_cast<size_t>(i)] = {cell.origin, cell.offset + i - begin};
    }
    int64_t covered = 0;
    for (const Interval& interval : map.intervals()) {
      ASSERT_EQ(interval.begin, covered);
      ASSERT_LT(interval.begin, interval.end);
      for (int64_t i = interval.begin; i < interval.end; ++i) {
        const Cell expected{interval.cell.origin, interval.cell.offset + i - interval.begin};
        ASSERT_EQ(naive[static_cast<size_t>(i)], expected) << "byte " << i;
      }
      covered = interval.end;
    }
    ASSERT_EQ(covered, kBytes);
  }
}

TEST(OriginTable, GivesTheSameEventOneNumber) {
  OriginTable origins;
  const Origin loaded{
      .kind = StateKind::kLoaded, .step = 2, .item_size = 2, .what = "w", .file = "f"};
  EXPECT_EQ(origins.add(loaded), origins.add(loaded));
  EXPECT_EQ(origins.size(), 1u);
}

TEST(OriginTable, UndefinedBytesStayUndefinedHoweverFarTheyTravel) {
  OriginTable origins;
  OriginId id = origins.add({.kind = StateKind::kUndefined, .rank = 1});
  const OriginId start = id;
  for (int hop = 0; hop < 3; ++hop)
    id = origins.add({.kind = StateKind::kReceived, .rank = hop, .parent = id});
  EXPECT_EQ(origins.root_kind(id), StateKind::kUndefined);
  EXPECT_EQ(origins.root(id), start);
}

TEST(OriginTable, ACastOfUndefinedBytesIsTainted) {
  OriginTable origins;
  const OriginId undefined = origins.add({.kind = StateKind::kUndefined});
  const OriginId cast = origins.add({.kind = StateKind::kTainted, .parent = undefined});
  const OriginId sent = origins.add({.kind = StateKind::kReceived, .parent = cast});
  EXPECT_EQ(origins.root_kind(sent), StateKind::kTainted);
}

TEST(StateKind, NamesGoBothWays) {
  for (int i = 0; i < kStateKinds; ++i) {
    const StateKind kind = static_cast<StateKind>(i);
    EXPECT_EQ(*state_named(name(kind)), kind);
  }
  EXPECT_FALSE(state_named("initialized"));
}

TEST(StateKind, FourMustNotReachSampling) {
  int forbidden = 0;
  for (int i = 0; i < kStateKinds; ++i)
    forbidden += must_not_reach_sampling(static_cast<StateKind>(i));
  EXPECT_EQ(forbidden, 4);
}

TEST(StateMap, ManySplicesAtOnceAreAsOneAfterTheOther) {
  std::mt19937 random(11);
  auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (int round = 0; round < 200; ++round) {
    constexpr int64_t kBytes = 60;
    StateMap one_by_one(kBytes, {0, 0});
    for (int write = 0; write < 5; ++write) {
      const int64_t begin = below(kBytes);
      one_by_one.write(begin, begin + below(kBytes - begin) + 1,
                       {static_cast<OriginId>(below(3)), below(50)});
    }
    StateMap at_once = one_by_one;
    std::vector<StateMap::Splice> edits;
    for (int64_t begin = below(10); begin < kBytes; begin += below(10)) {
      const int64_t count = std::min(kBytes - begin, below(6));
      const OriginId origin = static_cast<OriginId>(below(3));
      edits.push_back({begin, begin + count, {{0, count, {origin, below(2) == 0 ? begin : 7}}}});
      begin += count;
    }
    for (const StateMap::Splice& edit : edits)
      one_by_one.splice(edit.begin, edit.end, edit.cells);
    at_once.splice_all(edits);
    EXPECT_EQ(at_once.intervals(), one_by_one.intervals()) << "round " << round;
  }
}

}  // namespace
}  // namespace loadproof
