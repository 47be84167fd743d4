// Wait-for reports, through the rendezvous that makes them.
#include "sim/backends/wait_graph.h"

#include <gmock/gmock.h>

#include "tests/sim/backends/calls.h"

namespace loadproof::sim {
namespace {

using ::testing::ElementsAre;

TEST(WaitReport, NamesStepTensorAndMissingMembers) {
  Rendezvous rendezvous = world_of(6);
  for (int rank : {4, 0, 1, 2}) {
    Call call = broadcast_of(rank, "w");
    call.step = 17;
    rendezvous.arrive(0, std::move(call));
  }
  const std::vector<std::string> whereabouts{"",         "", "",
                                             "finished", "", "raised at step load: boom"};
  const WaitReport report = rendezvous.report(whereabouts);
  EXPECT_EQ(
      report.text,
      "group world, meeting 0: ranks 0-2, 4 in sync: broadcast of w float32 [4], 16 bytes, from "
      "rank 0: waits for rank 3 (finished); rank 5 (raised at step load: boom)\n");
  ASSERT_EQ(report.waiting.size(), 4u);
  const Waiting& last = report.waiting[3];
  EXPECT_EQ(last.rank, 4);
  EXPECT_EQ(last.step, 17);
  EXPECT_EQ(last.op, "broadcast");
  EXPECT_EQ(last.tensor, "w");
  EXPECT_EQ(last.group, "world");
  EXPECT_THAT(last.missing, ElementsAre(3, 5));
  EXPECT_EQ(last.text,
            "rank 4 in sync: broadcast of w float32 [4], 16 bytes, from rank 0: waits for rank 3 "
            "(finished); rank 5 (raised at step load: boom)");
}

TEST(WaitReport, CountsTheMeetingsThatAreOver) {
  Rendezvous rendezvous = world_of(2);
  for (int rank : {0, 1}) rendezvous.arrive(0, broadcast_of(rank, "a"));
  EXPECT_EQ(rendezvous.take_ready().size(), 1u);
  rendezvous.arrive(0, broadcast_of(0, "b"));
  const WaitReport report = rendezvous.report(std::vector<std::string>{"waiting", "finished"});
  ASSERT_EQ(report.waiting.size(), 1u);
  EXPECT_EQ(report.waiting[0].sequence, 1);
  EXPECT_EQ(report.waiting[0].tensor, "b");
}

TEST(WaitReport, NamesTheCycleBetweenTwoGroups) {
  Rendezvous rendezvous({{"a", {1, 2}}, {"b", {1, 2}}, {"world", {0, 1, 2}}});
  rendezvous.arrive(0, barrier_of(1, "first"));
  rendezvous.arrive(1, broadcast_of(2, "w"));
  rendezvous.arrive(2, barrier_of(0, "end"));
  const WaitReport report = rendezvous.report(std::vector<std::string>(3, "waiting"));
  EXPECT_EQ(
      report.text,
      "group a, meeting 0: rank 1 in first: barrier: waits for rank 2 (waits in group b, "
      "meeting 0, in sync: broadcast of w float32 [4], 16 bytes, from rank 0)\n"
      "group b, meeting 0: rank 2 in sync: broadcast of w float32 [4], 16 bytes, from rank 0: "
      "waits for rank 1 (waits in group a, meeting 0, in first: barrier)\n"
      "group world, meeting 0: rank 0 in end: barrier: waits for rank 1 (waits in group a, "
      "meeting 0, in first: barrier); rank 2 (waits in group b, meeting 0, in sync: broadcast "
      "of w float32 [4], 16 bytes, from rank 0)\n"
      "cycle: rank 1 in group a, meeting 0, at first, waits for rank 2 in group b, meeting 0, "
      "at sync of w, waits for rank 1\n");
}

TEST(WaitReport, NamesACycleOfThreeAndNoneWhereThereIsNone) {
  Rendezvous ring({{"ab", {0, 1}}, {"bc", {1, 2}}, {"ca", {2, 0}}});
  ring.arrive(0, barrier_of(0, "x"));
  ring.arrive(1, barrier_of(1, "y"));
  const std::vector<std::string> waiting(3, "waiting");
  EXPECT_EQ(ring.report(waiting).text.find("cycle"), std::string::npos);
  ring.arrive(2, barrier_of(2, "z"));
  EXPECT_THAT(
      ring.report(waiting).text,
      ::testing::EndsWith(
          "cycle: rank 0 in group ab, meeting 0, at x, waits for rank 1 in group bc, meeting "
          "0, at y, waits for rank 2 in group ca, meeting 0, at z, waits for rank 0\n"));
}

TEST(WaitReport, TellsThatARankWasAborted) {
  Rendezvous rendezvous = world_of(2);
  rendezvous.arrive(0, broadcast_of(0, "w", 8));
  rendezvous.arrive(0, broadcast_of(1, "w", 4));
  EXPECT_THAT(rendezvous.take_ready().at(0).aborted, ElementsAre(1));
  const WaitReport report = rendezvous.report(std::vector<std::string>{"waiting", "aborted"});
  ASSERT_EQ(report.waiting.size(), 1u);
  EXPECT_EQ(report.waiting[0].rank, 0);
  EXPECT_THAT(report.waiting[0].missing, ElementsAre(1));
  EXPECT_THAT(report.text, ::testing::HasSubstr("can't go on without rank 1 (aborted), because"));
}

}  // namespace
}  // namespace loadproof::sim
