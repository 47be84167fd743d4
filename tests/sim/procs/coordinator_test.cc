// The coordinator, with members that the test plays: who meets, in which order, and who is lost.
#include "sim/procs/coordinator.h"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <thread>

#include "sim/procs/rank_link.h"

namespace loadproof::sim {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
constexpr int64_t kRun = 3;

// A world whose ranks are the test's to play, by name of what they say.
class World {
 public:
  explicit World(int ranks, milliseconds patience = milliseconds(20'000),
                 const std::string& shared_folder = "", const Silence& silence = {}) {
    for (int rank = 0; rank < ranks; ++rank) {
      int ends[2] = {-1, -1};
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
      links_.emplace_back(ends[0]);
      theirs_.emplace_back(ends[1]);
    }
    for (int rank = 0; rank < ranks; ++rank)
      ranks_.emplace_back(rank, kRun, shared_folder, theirs_[of(rank)]);
    const bool one_by_one = !shared_folder.empty();
    coordinator_ = std::jthread([this, ranks, patience, one_by_one, silence] {
      const Topology topology{.nodes = 1, .ranks_per_node = ranks};
      gathered_ = Coordinator(topology, links_, patience, kRun, one_by_one, silence).run();
    });
  }

  // The rank meets, on a thread of its own, since it waits; what it is called to.
  std::jthread meeting(int rank, Turn turn, std::vector<Meeting>& called) {
    return std::jthread([this, rank, turn = std::move(turn), &called] {
      const auto meetings = ranks_[of(rank)].meet(turn);
      if (meetings) called = *meetings;
    });
  }
  void tell(int rank, const std::string& kind, const std::string& text = "") {
    EXPECT_TRUE(theirs_[of(rank)].send(
        write_message({.kind = kind, .run = kRun, .rank = rank, .text = text, .body = text})));
  }
  RankLink& rank(int index) { return ranks_[of(index)]; }
  void close(int rank) { const Link gone = std::move(theirs_[of(rank)]); }
  Gathered end() {
    coordinator_.join();
    return std::move(gathered_);
  }

 private:
  static size_t of(int rank) { return static_cast<size_t>(rank); }
  std::vector<Link> links_, theirs_;
  std::vector<RankLink> ranks_;
  Gathered gathered_;
  std::jthread coordinator_;
};

Turn turn_with(std::vector<Call> calls) {
  Turn turn{.woken_by = -1, .events = {}, .vacuous = {}, .whereabouts = "waiting"};
  for (Call& call : calls) turn.events.emplace_back(Posting{0, {}, std::move(call)});
  if (turn.events.empty()) turn.whereabouts = "finished";
  return turn;
}

Call barrier_of(int rank, const std::string& step = "meet") {
  Call call;
  call.rank = rank;
  call.step_id = step;
  return call;
}

Call broadcast_of(int rank, int source, const std::string& tensor, int64_t bytes) {
  Call call = barrier_of(rank, "sync");
  call.op = Collective::kBroadcast;
  call.source = source;
  call.tensor = tensor;
  call.shape = {bytes / 4};
  call.bytes = bytes;
  return call;
}

// Both ranks tell their turns; what each is called to.
std::vector<std::vector<Meeting>> both_meet(World& world, Turn first, Turn second) {
  std::vector<std::vector<Meeting>> called(2);
  {
    const std::jthread one = world.meeting(0, std::move(first), called[0]);
    const std::jthread other = world.meeting(1, std::move(second), called[1]);
  }
  return called;
}

void both_find_nothing(World& world) {
  for (const auto& none : both_meet(world, turn_with({}), turn_with({})))
    EXPECT_THAT(none, IsEmpty());
}

TEST(Coordinator, CallsThoseWhoMeetAndEndsWhenNothingDoes) {
  World world(2);
  const auto called = both_meet(world, turn_with({barrier_of(0)}), turn_with({barrier_of(1)}));
  ASSERT_EQ(called[0].size(), 1u);
  ASSERT_EQ(called[1].size(), 1u);
  EXPECT_EQ(called[0][0].number, called[1][0].number);
  EXPECT_TRUE(called[0][0].moves);
  both_find_nothing(world);
  world.tell(0, "seen", "zero");
  world.tell(1, "seen", "one");
  const Gathered gathered = world.end();
  EXPECT_THAT(gathered.seen, ElementsAre("zero", "one"));
  EXPECT_EQ(gathered.error, "");
  EXPECT_THAT(gathered.waits, IsEmpty());
}

TEST(Coordinator, ComparesBeforeAnythingMoves) {
  World world(2);
  const auto called = both_meet(world, turn_with({broadcast_of(0, 0, "w", 16)}),
                                turn_with({broadcast_of(1, 0, "w", 8)}));
  ASSERT_EQ(called[1].size(), 1u);
  EXPECT_FALSE(called[1][0].moves);
  EXPECT_THAT(called[1][0].aborted, ElementsAre(1));
  both_find_nothing(world);
  world.tell(0, "seen");
  world.tell(1, "seen");
  const Gathered gathered = world.end();
  ASSERT_EQ(gathered.mismatches.size(), 1u);
  EXPECT_EQ(gathered.mismatches[0].kind, "size");
  EXPECT_TRUE(gathered.mismatches[0].fatal);
}

TEST(Coordinator, TellsWhoWaitsForWhom) {
  World world(2);
  for (const auto& none : both_meet(world, turn_with({barrier_of(0)}), turn_with({})))
    EXPECT_THAT(none, IsEmpty());
  world.tell(0, "seen");
  world.tell(1, "seen");
  const Gathered gathered = world.end();
  ASSERT_EQ(gathered.waits.size(), 1u);
  EXPECT_THAT(gathered.waits[0].missing, ElementsAre(1));
  EXPECT_THAT(gathered.wait_report, HasSubstr("finished"));
}

// Of virtual time only what ranks tell counts, be the one that worked heard of first.
TEST(Coordinator, HoldsTheClocksOfAllRanks) {
  World world(2);
  Turn slow = turn_with({});
  slow.events.emplace_back(Working{5, "slow"});
  slow.events.emplace_back(Posting{0, {}, barrier_of(0)});
  Call hasty = barrier_of(1);
  hasty.timeout = 2;
  const auto called = both_meet(world, std::move(slow), turn_with({hasty}));
  EXPECT_FALSE(called[1].at(0).moves);
  both_find_nothing(world);
  world.tell(0, "seen");
  world.tell(1, "seen");
  const Gathered gathered = world.end();
  EXPECT_EQ(gathered.mismatches.at(0).kind, "timeout");
  EXPECT_THAT(gathered.mismatches[0].text, HasSubstr("at work in slow"));
}

TEST(Coordinator, PassesOnWhatOneGivesOthers) {
  World world(2);
  const auto called = both_meet(world, turn_with({broadcast_of(0, 0, "w", 16)}),
                                turn_with({broadcast_of(1, 0, "w", 16)}));
  OriginTable here, there;
  const OriginId file = here.add({.kind = StateKind::kLoaded, .what = "k", .file = "f"});
  const Given given{.states = StateMap(16, {file, 0}), .broken = {}, .level = {}};
  ASSERT_TRUE(world.rank(0).give(called[0].at(0), given, here, {1}));
  const Result<Given> taken = world.rank(1).take(called[1].at(0), 0, there);
  ASSERT_TRUE(taken);
  EXPECT_EQ(there.at(taken->states.intervals().at(0).cell.origin).what, "k");
  world.close(1);
  world.end();
}

TEST(Coordinator, SeesADeathAtOnceAndSaysForWhomTheOthersWaited) {
  World world(3);
  std::vector<std::vector<Meeting>> called(3);
  Gathered gathered;
  {
    const std::jthread first = world.meeting(0, turn_with({barrier_of(0)}), called[0]);
    const std::jthread second = world.meeting(1, turn_with({barrier_of(1)}), called[1]);
    world.close(2);
    gathered = world.end();
  }
  EXPECT_THAT(gathered.lost, ElementsAre(2));
  EXPECT_THAT(gathered.error, HasSubstr("rank 2 is lost: its process has ended"));
}

TEST(Coordinator, NamesWhoHasSaidNothingForTooLong) {
  World world(2, milliseconds(200));
  std::vector<Meeting> called;
  Gathered gathered;
  {
    const std::jthread first = world.meeting(0, turn_with({barrier_of(0)}), called);
    gathered = world.end();
  }
  EXPECT_THAT(gathered.lost, ElementsAre(1));
  EXPECT_THAT(gathered.error,
              AllOf(HasSubstr("rank 1 is lost: has said nothing for 0.2 s (on its way from the "
                              "start)"),
                    HasSubstr("rank 0: waiting"), HasSubstr("in meet: barrier")));
}

// A process that is stopped gives no sign of life; one that waits for it in a transfer does.
TEST(Coordinator, NamesWhoGivesNoSignOfLifeWhereverTheOthersAre) {
  const auto silence = [](int rank) { return milliseconds(rank == 1 ? 20'000 : 0); };
  World world(2, milliseconds(20'000), "", silence);
  world.rank(0).tell_step("load");
  world.rank(1).tell_step("sync");
  const Gathered gathered = world.end();
  EXPECT_THAT(gathered.lost, ElementsAre(1));
  EXPECT_THAT(gathered.error, HasSubstr("rank 1 is lost: has said nothing for 20 s"));
}

// In one transfer, in which one hangs: the others say that they wait.
TEST(Coordinator, TellsWhoWaitsFromWhoHangs) {
  World world(2, milliseconds(600));
  const auto called = both_meet(world, turn_with({barrier_of(0)}), turn_with({barrier_of(1)}));
  EXPECT_TRUE(world.rank(0).tell_moving(/*moved=*/false));
  EXPECT_TRUE(world.rank(1).tell_moving(/*moved=*/false));
  const auto until = std::chrono::steady_clock::now() + milliseconds(20'000);
  while (!world.rank(0).is_stopped() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(milliseconds(20));
  const Gathered gathered = world.end();
  EXPECT_THAT(gathered.lost, ElementsAre(1));
  EXPECT_THAT(gathered.error, HasSubstr("(in the transfer of meet: barrier); rank 0: in the"));
}

TEST(Coordinator, TellsInWhichStepTheLostRankWas) {
  World world(2);
  world.rank(0).tell_step("load");
  world.rank(1).tell_step("sync");
  world.close(1);
  EXPECT_THAT(world.end().error, HasSubstr("its process has ended (in step sync)"));
  EXPECT_TRUE(world.rank(0).is_stopped());
}

// Rank 1 is heard of first, and waits for rank 0 all the same.
TEST(Coordinator, LetsRanksTakeTurnsWhereOneChangesWhatOthersSee) {
  World world(2, milliseconds(20'000), "/shared");
  std::vector<StoreNews> news;
  {
    std::jthread second([&] {
      const auto told = world.rank(1).begin_turn(-1);
      if (told) news = *told;
      EXPECT_TRUE(world.rank(1).meet(turn_with({})));
    });
    EXPECT_THAT(*world.rank(0).begin_turn(-1), IsEmpty());
    Turn turn = turn_with({});
    turn.changed = {{.store = "out", .copy = 0}};
    EXPECT_TRUE(world.rank(0).meet(turn));
  }
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].store, "out");
  EXPECT_EQ(news[0].version, 1);
  world.tell(0, "seen");
  world.tell(1, "seen");
  EXPECT_EQ(world.end().error, "");
}

// The most of a node is that of its ranks between two meetings, whoever tells it first.
TEST(Coordinator, AddsUpWhatRanksHold) {
  World world(2);
  const auto holds = [](int64_t bytes, std::vector<Call> calls) {
    Turn turn = turn_with(std::move(calls));
    turn.held.push_back({.meeting = -1, .met = false, .use = {}, .step = 4});
    turn.held.back().use[Device::kCpu] = {bytes, bytes};
    return turn;
  };
  both_meet(world, holds(30, {barrier_of(0)}), holds(12, {barrier_of(1)}));
  both_find_nothing(world);
  world.tell(0, "seen");
  world.tell(1, "seen");
  const std::vector<PeakObservation> peaks = world.end().peaks;
  ASSERT_GT(peaks.size(), 2u);
  EXPECT_EQ(peaks[0].resident, 30);
  EXPECT_EQ(peaks[1].resident, 12);
  EXPECT_EQ(peaks[2].resident, 42);
}

TEST(Coordinator, TellsOneErrorWhereAllHaveTheSame) {
  World world(2);
  world.tell(0, "failed", "there is no such model");
  world.tell(1, "failed", "there is no such model");
  const Gathered gathered = world.end();
  EXPECT_EQ(gathered.error, "there is no such model");
  EXPECT_THAT(gathered.lost, IsEmpty());
}

TEST(Coordinator, StopsTheOthersWhenOneHasFailed) {
  World world(2);
  std::vector<Meeting> called;
  {
    const std::jthread first = world.meeting(0, turn_with({barrier_of(0)}), called);
    world.tell(1, "failed", "no room");
  }
  EXPECT_TRUE(world.rank(0).was_stopped());
  world.tell(0, "failed");
  const Gathered gathered = world.end();
  EXPECT_EQ(gathered.error, "rank 1: no room");
  EXPECT_THAT(gathered.lost, IsEmpty());
}

TEST(Coordinator, RefusesWhatIsNoMessage) {
  World world(1);
  world.tell(0, "nonsense");
  EXPECT_THAT(world.end().error, HasSubstr("nonsense"));
}

}  // namespace
}  // namespace loadproof::sim
