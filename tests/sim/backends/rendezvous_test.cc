#include "sim/backends/rendezvous.h"

#include <gmock/gmock.h>

#include "tests/sim/backends/calls.h"
#include "tests/sim/backends/tensors.h"

namespace loadproof::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The one meeting of ranks 0, 1, ... that say this.
Meeting meeting_of(std::vector<Call> calls) {
  Rendezvous rendezvous = world_of(static_cast<int>(calls.size()));
  for (Call& call : calls) rendezvous.arrive(0, std::move(call));
  std::vector<Meeting> meetings = rendezvous.take_ready();
  EXPECT_EQ(meetings.size(), 1u);
  return std::move(meetings.at(0));
}

// What every backend then does with it, byte by byte.
std::vector<std::vector<uint8_t>> moved(const char* backend, const Meeting& meeting) {
  EXPECT_TRUE(meeting.moves);
  EXPECT_TRUE(backend_of(backend, static_cast<int>(meeting.calls.size()))
                  ->run({&meeting.transfer, 1}));
  return everything(meeting.transfer);
}

TEST(Rendezvous, MeetsWhenTheLastMemberHasCome) {
  Rendezvous rendezvous = world_of(3);
  rendezvous.arrive(0, broadcast_of(2, "w"));
  rendezvous.arrive(0, broadcast_of(0, "w"));
  EXPECT_THAT(rendezvous.take_ready(), IsEmpty());
  rendezvous.arrive(0, broadcast_of(1, "w"));
  const std::vector<Meeting> meetings = rendezvous.take_ready();
  ASSERT_EQ(meetings.size(), 1u);
  EXPECT_TRUE(meetings[0].moves);
  EXPECT_THAT(meetings[0].mismatches, IsEmpty());
  EXPECT_EQ(meetings[0].sequence, 0);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(meetings[0].calls[i].rank, static_cast<int>(i));
    EXPECT_EQ(meetings[0].transfer.members[i].rank, static_cast<int>(i));
  }
  EXPECT_EQ(rendezvous.report({}).text, "");
}

TEST(Rendezvous, QueuesTheCallsOfARankBehindItsEarlierOnes) {
  Rendezvous rendezvous = world_of(2);
  for (const char* tensor : {"a", "b", "c"}) rendezvous.arrive(0, broadcast_of(1, tensor));
  for (const char* tensor : {"a", "b", "c"}) rendezvous.arrive(0, broadcast_of(0, tensor));
  const std::vector<Meeting> meetings = rendezvous.take_ready();
  ASSERT_EQ(meetings.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(meetings[i].sequence, static_cast<int64_t>(i));
    EXPECT_EQ(meetings[i].calls[1].tensor, std::string(1, static_cast<char>('a' + i)));
    EXPECT_THAT(meetings[i].mismatches, IsEmpty());
  }
}

TEST(Rendezvous, KeepsGroupsApartAndTakesTheirOrder) {
  Rendezvous rendezvous({{"odd", {3, 1}}, {"even", {2, 0}}});
  for (int rank : {0, 1, 2, 3}) rendezvous.arrive(rank % 2 == 1 ? 0 : 1, barrier_of(rank));
  const std::vector<Meeting> meetings = rendezvous.take_ready();
  ASSERT_EQ(meetings.size(), 2u);
  EXPECT_EQ(meetings[0].group, 1);  // rank 2 came before rank 3
  EXPECT_EQ(meetings[0].transfer.members[0].rank, 2);
  EXPECT_EQ(meetings[1].transfer.members[0].rank, 3);
}

TEST(Rendezvous, TakesAScatterAGatherAndASend) {
  const auto with = [](Call call, const std::vector<int64_t>& in, const std::vector<int64_t>& out) {
    call.in.clear();
    call.out.clear();
    for (int64_t count : in) call.in.push_back(full_of(count, 1, at::kFloat));
    for (int64_t count : out) call.out.push_back(full_of(count, 2, at::kFloat));
    return call;
  };
  const auto as = [](Collective op, Call call) {
    call.op = op;
    return call;
  };
  Meeting scatter =
      meeting_of({with(as(Collective::kScatter, broadcast_of(0, "w", 7)), {4, 3}, {4}),
                  with(as(Collective::kScatter, broadcast_of(1, "w", 3)), {}, {3})});
  Meeting gather = meeting_of({with(as(Collective::kGather, broadcast_of(0, "w", 4)), {4}, {4, 3}),
                               with(as(Collective::kGather, broadcast_of(1, "w", 3)), {3}, {})});
  Meeting send = meeting_of({as(Collective::kSend, broadcast_of(0, "w")),
                             as(Collective::kSend, broadcast_of(1, "w"))});
  for (const Meeting* meeting : {&scatter, &gather, &send}) {
    EXPECT_THAT(meeting->mismatches, IsEmpty());
    EXPECT_EQ(moved("gloo", *meeting).size(), meeting == &send ? 2u : 4u);
  }
  Meeting cut = meeting_of({with(as(Collective::kScatter, broadcast_of(0, "w", 7)), {4, 3}, {4}),
                            with(as(Collective::kScatter, broadcast_of(1, "w", 2)), {}, {2})});
  EXPECT_FALSE(cut.moves);
  EXPECT_THAT(cut.aborted, ElementsAre(1));
  EXPECT_EQ(
      cut.mismatches.at(0).text,
      "members disagree on the size of a piece: rank 0 in sync: scatter of w float32 [7], 28 "
      "bytes, from rank 0, gives 12 bytes; rank 1 in sync: scatter of w float32 [2], 8 bytes, "
      "from rank 0, holds 8: it is aborted");
}

TEST(Rendezvous, SourcesAreGlobalRanksAndTransfersCountMembers) {
  Rendezvous rendezvous({{"pair", {5, 3}}});
  Call giver = from(3, broadcast_of(3, "w"));
  giver.in.swap(giver.out);
  rendezvous.arrive(0, from(3, broadcast_of(5, "w")));
  rendezvous.arrive(0, std::move(giver));
  const std::vector<Meeting> meetings = rendezvous.take_ready();
  EXPECT_THAT(meetings.at(0).mismatches, IsEmpty());
  EXPECT_EQ(meetings[0].transfer.source, 1);
}

// --- what disagrees: recorded outcomes, held against both backends ---------------------------

TEST(Rendezvous, SwapsWhatHasAnotherNameAndSaysSo) {
  const Meeting meeting = meeting_of(
      {broadcast_of(0, "a", 4, 1), broadcast_of(1, "b", 4, 2), broadcast_of(2, "b", 4, 2)});
  ASSERT_EQ(meeting.mismatches.size(), 1u);
  EXPECT_EQ(meeting.mismatches[0].kind, "name");
  EXPECT_FALSE(meeting.mismatches[0].fatal);
  EXPECT_THAT(meeting.mismatches[0].ranks, ElementsAre(1, 2));
  EXPECT_THAT(meeting.mismatches[0].tensors, ElementsAre("b"));
  EXPECT_EQ(
      meeting.mismatches[0].text,
      "members disagree on the name: rank 0 in sync: broadcast of a float32 [4], 16 bytes, from "
      "rank 0; ranks 1, 2 in sync: broadcast of b float32 [4], 16 bytes, from rank 0: the bytes "
      "move and land under the other name");
  for (const char* backend : {"gloo", "sim"})
    EXPECT_EQ(moved(backend, meeting)[1], bytes_of(full_of(4, 1, at::kFloat)));
}

TEST(Rendezvous, ReadsBytesAsAnotherTypeOfTheSameWidth) {
  const Meeting halves = meeting_of(
      {broadcast_of(0, "w", 4, 1, at::kHalf), broadcast_of(1, "w", 4, 2, at::kBFloat16)});
  EXPECT_EQ(
      halves.mismatches.at(0).text,
      "members disagree on the dtype: rank 0 in sync: broadcast of w float16 [4], 8 bytes, from "
      "rank 0; rank 1 in sync: broadcast of w bfloat16 [4], 8 bytes, from rank 0: the bytes "
      "move and are read as another type");
  const Meeting ints =
      meeting_of({broadcast_of(0, "w", 4, 1, at::kFloat), broadcast_of(1, "w", 4, 2, at::kInt)});
  EXPECT_EQ(ints.mismatches.at(0).kind, "dtype");
  for (const char* backend : {"gloo", "sim"}) {
    EXPECT_EQ(moved(backend, halves)[1], bytes_of(full_of(4, 1, at::kHalf)));
    moved(backend, ints);
    EXPECT_EQ(ints.calls[1].out[0].const_data_ptr<int32_t>()[3], 1065353216);
  }
}

TEST(Rendezvous, LeavesTheTailWhereFewerBytesCome) {
  for (const char* backend : {"gloo", "sim"}) {
    const Meeting meeting = meeting_of(
        {broadcast_of(0, "w", 4, 1, at::kBFloat16), broadcast_of(1, "w", 4, 7, at::kFloat)});
    EXPECT_EQ(meeting.mismatches.at(0).text,
              "members disagree on the size: rank 0 in sync: broadcast of w bfloat16 [4], 8 bytes, "
              "from rank 0; rank 1 in sync: broadcast of w float32 [4], 16 bytes, from rank 0: the "
              "tail of what it holds stays as it was");
    EXPECT_FALSE(meeting.mismatches[0].fatal);
    moved(backend, meeting);
    const float* held = meeting.calls[1].out[0].const_data_ptr<float>();
    EXPECT_EQ(held[2], 7);
    EXPECT_EQ(held[3], 7);
    EXPECT_NE(held[0], 7);
  }
}

TEST(Rendezvous, MovesBytesIntoAnotherShape) {
  std::vector<Call> calls{broadcast_of(0, "w", 4, 1), broadcast_of(1, "w", 4, 2)};
  calls[1].shape = {2, 2};
  const Meeting meeting = meeting_of(std::move(calls));
  EXPECT_TRUE(meeting.moves);
  EXPECT_EQ(
      meeting.mismatches.at(0).text,
      "members disagree on the shape: rank 0 in sync: broadcast of w float32 [4], 16 bytes, "
      "from rank 0; rank 1 in sync: broadcast of w float32 [2, 2], 16 bytes, from rank 0: the "
      "bytes move in order");
}

TEST(Rendezvous, AbortsTheReceiverOfMoreThanItHolds) {
  const Meeting meeting = meeting_of(
      {broadcast_of(0, "w", 8), broadcast_of(1, "w", 4), broadcast_of(2, "w", 8)});
  EXPECT_FALSE(meeting.moves);
  EXPECT_THAT(meeting.aborted, ElementsAre(1));
  EXPECT_EQ(meeting.mismatches.at(0).kind, "size");
  EXPECT_TRUE(meeting.mismatches[0].fatal);
  EXPECT_THAT(meeting.mismatches[0].ranks, ElementsAre(1));
  EXPECT_EQ(
      meeting.mismatches[0].text,
      "members disagree on the size: rank 0 in sync: broadcast of w float32 [8], 32 bytes, from "
      "rank 0; rank 1 in sync: broadcast of w float32 [4], 16 bytes, from rank 0: the one that "
      "holds fewer bytes is aborted");
}

TEST(Rendezvous, AbortsNobodyOverATransportThatTruncates) {
  for (bool both : {true, false}) {
    std::vector<Call> calls{broadcast_of(0, "w", 8), broadcast_of(1, "w", 4)};
    calls[0].truncates = true;
    calls[1].truncates = both;
    const Meeting meeting = meeting_of(std::move(calls));
    EXPECT_EQ(meeting.moves, both);
    EXPECT_EQ(meeting.aborted.empty(), both);
    EXPECT_EQ(meeting.mismatches.at(0).kind, "size");
  }
}

TEST(Rendezvous, StopsWhereOperationsDiffer) {
  const Meeting meeting = meeting_of({broadcast_of(0, "w"), barrier_of(1)});
  EXPECT_FALSE(meeting.moves);
  EXPECT_THAT(meeting.aborted, IsEmpty());
  EXPECT_EQ(meeting.mismatches.at(0).kind, "op");
  EXPECT_EQ(
      meeting.mismatches[0].text,
      "members disagree on the op: rank 0 in sync: broadcast of w float32 [4], 16 bytes, from "
      "rank 0; rank 1 in meet: barrier: no member can go on");
}

TEST(Rendezvous, StopsWhereSourcesDiffer) {
  const Meeting meeting = meeting_of({broadcast_of(0, "w"), from(1, broadcast_of(1, "w"))});
  EXPECT_FALSE(meeting.moves);
  EXPECT_EQ(meeting.mismatches.at(0).kind, "source");
  EXPECT_EQ(meeting.mismatches[0].text,
            "members disagree on the source: rank 0 in sync: broadcast of w float32 [4], 16 bytes, "
            "from rank 0; rank 1 in sync: broadcast of w float32 [4], 16 bytes, from rank 1: no "
            "member can go on");
}

TEST(Rendezvous, StopsWhereTheSourceIsNoMember) {
  const Meeting meeting =
      meeting_of({from(7, broadcast_of(0, "w")), from(7, broadcast_of(1, "w"))});
  EXPECT_FALSE(meeting.moves);
  EXPECT_EQ(meeting.mismatches.at(0).kind, "member");
  EXPECT_EQ(
      meeting.mismatches[0].text,
      "the source is no member of the group: ranks 0, 1 in sync: broadcast of w float32 [4], 16 "
      "bytes, from rank 7: no member can go on");
}

TEST(Rendezvous, ComparesWhatAnAllReduceNeeds) {
  const auto reduce = [](Call call) {
    call.op = Collective::kAllReduce;
    call.source = -1;
    call.out = {full_of(call.shape[0], 1, at::kFloat)};
    return call;
  };
  // Longer or shorter, one of the two holds too little.
  for (int64_t count : {2, 8}) {
    const Meeting sizes =
        meeting_of({reduce(broadcast_of(0, "w", 4)), reduce(broadcast_of(1, "w", count))});
    EXPECT_FALSE(sizes.moves);
    EXPECT_THAT(sizes.aborted, ElementsAre(count == 2 ? 1 : 0));
  }
  const Meeting widths = meeting_of({reduce(broadcast_of(0, "w", 4, 0, at::kFloat)),
                                     reduce(broadcast_of(1, "w", 8, 0, at::kHalf))});
  EXPECT_FALSE(widths.moves);
  EXPECT_EQ(widths.mismatches.at(0).kind, "dtype");
  std::vector<Call> reductions{reduce(broadcast_of(0, "w")), reduce(broadcast_of(1, "w"))};
  reductions[1].reduction = Reduction::kMax;
  const Meeting other = meeting_of(std::move(reductions));
  EXPECT_EQ(
      other.mismatches.at(0).text,
      "members disagree on the op: rank 0 in sync: all_reduce (sum) of w float32 [4], 16 bytes; "
      "rank 1 in sync: all_reduce (max) of w float32 [4], 16 bytes: no member can go on");
}

TEST(Rendezvous, GathersShardsOfOtherSizesWithoutAWord) {
  std::vector<Call> calls;
  for (int rank : {0, 1, 2}) {
    Call call = from(-1, broadcast_of(rank, "w", rank));
    call.op = Collective::kAllGather;
    call.in = {values_of(rank, rank, at::kFloat)};
    call.out.clear();
    for (int each : {0, 1, 2}) call.out.push_back(full_of(each, 0, at::kFloat));
    calls.push_back(std::move(call));
  }
  const Meeting meeting = meeting_of(calls);
  EXPECT_THAT(meeting.mismatches, IsEmpty());
  moved("gloo", meeting);
  for (const Call& call : meeting.calls)
    EXPECT_EQ(bytes_of(call.out[2]), bytes_of(values_of(2, 2, at::kFloat)));
  calls[1].out[2] = full_of(1, 0, at::kFloat);
  const Meeting cut = meeting_of(calls);
  EXPECT_FALSE(cut.moves);
  EXPECT_THAT(cut.aborted, ElementsAre(1));
}

TEST(Rendezvous, LetsALoaderMatchBytesAlone) {
  const auto lenient = [](Call call) {
    call.match_bytes = true;
    return call;
  };
  const Meeting meeting = meeting_of({lenient(broadcast_of(0, "a", 4, 1, at::kHalf)),
                                      lenient(broadcast_of(1, "b", 4, 2, at::kBFloat16))});
  EXPECT_THAT(meeting.mismatches, IsEmpty());
  EXPECT_TRUE(meeting.moves);
  const Meeting one_strict = meeting_of({lenient(broadcast_of(0, "a")), broadcast_of(1, "b")});
  EXPECT_EQ(one_strict.mismatches.at(0).kind, "name");
  const Meeting sizes =
      meeting_of({lenient(broadcast_of(0, "a", 8)), lenient(broadcast_of(1, "a", 4))});
  EXPECT_FALSE(sizes.moves);
}

TEST(Rendezvous, NeverGoesOnInAGroupThatIsBroken) {
  Rendezvous rendezvous = world_of(2);
  rendezvous.arrive(0, broadcast_of(0, "w"));
  rendezvous.arrive(0, barrier_of(0));
  rendezvous.arrive(0, barrier_of(1));
  rendezvous.arrive(0, barrier_of(1));
  EXPECT_EQ(rendezvous.take_ready().size(), 1u);
  EXPECT_THAT(rendezvous.take_ready(), IsEmpty());
  const WaitReport report = rendezvous.report(std::vector<std::string>{"waiting", "waiting"});
  ASSERT_EQ(report.waiting.size(), 2u);
  EXPECT_EQ(
      report.text,
      "group world, meeting 0: rank 0 in sync: broadcast of w float32 [4], 16 bytes, from rank "
      "0; rank 1 in meet: barrier: can't go on, because members disagree on the op: rank 0 in "
      "sync: broadcast of w float32 [4], 16 bytes, from rank 0; rank 1 in meet: barrier: no "
      "member can go on\n");
}

TEST(Rendezvous, HoldsFourThousandRanks) {
  Rendezvous rendezvous = world_of(4096);
  for (int round = 0; round < 3; ++round) {
    for (int rank = 4095; rank >= 0; --rank)
      rendezvous.arrive(0, broadcast_of(rank, round == 2 && rank > 0 ? "v" : "w"));
    const std::vector<Meeting> meetings = rendezvous.take_ready();
    ASSERT_EQ(meetings.size(), 1u);
    EXPECT_EQ(meetings[0].transfer.members.size(), 4096u);
    if (round < 2) EXPECT_THAT(meetings[0].mismatches, IsEmpty());
    else EXPECT_EQ(meetings[0].mismatches.at(0).ranks.size(), 4095u);
  }
}

}  // namespace
}  // namespace loadproof::sim
