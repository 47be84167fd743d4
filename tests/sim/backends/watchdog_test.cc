#include "sim/backends/watchdog.h"

#include <gmock/gmock.h>

#include "tests/sim/backends/calls.h"

namespace loadproof::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Call within(double timeout, Call call) {
  call.timeout = timeout;
  return call;
}

TEST(Clocks, AreMovedByWorkAndByMeetingsAlone) {
  Clocks clocks(2);
  EXPECT_EQ(clocks.now(1), 0);
  clocks.work(1, 10, "read");
  clocks.work(1, 0.5, "cast");
  EXPECT_EQ(clocks.now(0), 0);
  EXPECT_EQ(clocks.now(1), 10.5);
  clocks.go_on(0, 10.5);
  EXPECT_EQ(clocks.now(0), 10.5);
}

TEST(Clocks, KnowWhatARankWasDoingSinceItsLastMeeting) {
  Clocks clocks(1);
  clocks.work(0, 10, "read");
  clocks.work(0, 5, "cast");
  EXPECT_EQ(clocks.at_work_in(0, 9), "read");
  EXPECT_EQ(clocks.at_work_in(0, 10), "cast");
  EXPECT_EQ(clocks.at_work_in(0, 15), "");
  clocks.go_on(0, 20);
  EXPECT_EQ(clocks.at_work_in(0, 9), "");
}

TEST(Watchdog, TellsEachMemberWhoseLimitWasOver) {
  Rendezvous rendezvous = world_of(3);
  rendezvous.clocks().work(2, 100, "load");
  rendezvous.arrive(0, within(99, barrier_of(0)));
  rendezvous.arrive(0, within(100, barrier_of(1)));
  rendezvous.arrive(0, within(1, barrier_of(2)));
  const Meeting meeting = rendezvous.take_ready().at(0);
  EXPECT_FALSE(meeting.moves);
  ASSERT_EQ(meeting.mismatches.size(), 1u);
  EXPECT_EQ(meeting.mismatches[0].kind, "timeout");
  EXPECT_TRUE(meeting.mismatches[0].fatal);
  EXPECT_THAT(meeting.mismatches[0].ranks, ElementsAre(0));
  EXPECT_EQ(meeting.mismatches[0].text,
            "rank 0 in meet: barrier: came at 0 s and gave up after 99 s, while rank 2 was still "
            "at work in load and would have come at 100 s");
  EXPECT_THAT(meeting.aborted, IsEmpty());
  EXPECT_EQ(rendezvous.report({}).waiting.size(), 3u);
}

TEST(Watchdog, EndsTheWholeGroup) {
  Rendezvous rendezvous = world_of(2);
  rendezvous.clocks().work(1, 2, "load");
  for (int rank : {0, 1}) {
    rendezvous.arrive(0, within(1, broadcast_of(rank, "a")));
    rendezvous.arrive(0, broadcast_of(rank, "b"));
  }
  EXPECT_EQ(rendezvous.take_ready().size(), 1u);
  EXPECT_EQ(rendezvous.clocks().now(0), 0);
}

TEST(Watchdog, CountsTheTimeOfAMeetingForTheNextOne) {
  Rendezvous rendezvous = world_of(2);
  rendezvous.clocks().work(1, 100, "load");
  for (int rank : {0, 1}) {
    rendezvous.arrive(0, broadcast_of(rank, "a"));
    rendezvous.arrive(0, within(1, broadcast_of(rank, "b")));
  }
  EXPECT_EQ(rendezvous.take_ready().size(), 2u);
  EXPECT_EQ(rendezvous.clocks().now(0), 100);
}

TEST(Watchdog, TellsAStallOfAllMembersAndWhetherTheyAgreed) {
  Rendezvous rendezvous = world_of(2);
  Call stalled = broadcast_of(0, "w");
  stalled.stall = true;
  rendezvous.arrive(0, stalled);
  rendezvous.arrive(0, broadcast_of(1, "v"));
  const Meeting meeting = rendezvous.take_ready().at(0);
  EXPECT_FALSE(meeting.moves);
  ASSERT_EQ(meeting.mismatches.size(), 2u);
  EXPECT_EQ(meeting.mismatches[0].kind, "name");
  EXPECT_EQ(meeting.mismatches[1].kind, "transport");
  EXPECT_THAT(meeting.mismatches[1].ranks, ElementsAre(0, 1));
  EXPECT_EQ(meeting.mismatches[1].text,
            "all members of group world have posted meeting 0, and none is missing, but the "
            "transfer never completes: in sync: broadcast of w float32 [4], 16 bytes, from rank 0");
}

}  // namespace
}  // namespace loadproof::sim
