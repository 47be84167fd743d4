// A rank that is killed or stopped, tried at each step of a load: who it was and where is told, the
// others end within the time that is promised, and nothing is left.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "tests/harness/program.h"

namespace loadproof::harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kLoad =
    R"(about: Rank 0 reads and gives to all; pieces are cut, joined, saved by one and read by all
world: {ranks: RANKS}
tensors:
  w: {shape: [8], from: file}
  v: {shape: [8, 2], from: file}
stores: {out: {empty: true}}
steps:
  - read:      {id: load, of: all, ranks: 0}
  - alloc:     {id: hold, of: all, as: empty, ranks: "rank>0"}
  - broadcast: {id: sync, of: w, src: 0}
  - scatter:   {id: cut, of: v, src: 0}
  - gather:    {id: join, of: v}
  - save:      {id: keep, of: v, store: out, ranks: 0}
  - barrier:   {id: meet}
  - read:      {id: again, of: v, store: out}
)";

std::vector<std::string> steps_of(int rank) {
  if (rank == 0) return {"load", "sync", "cut", "join", "keep", "meet", "again"};
  return {"hold", "sync", "cut", "join", "meet", "again"};
}

// Each step, and each moment of those in which ranks meet.
std::vector<std::string> moments_of(int rank) {
  std::vector<std::string> moments;
  for (const std::string& step : steps_of(rank)) {
    moments.push_back(step);
    if (step == "load" || step == "hold" || step == "keep" || step == "again") continue;
    for (const char* moment : {":waiting", ":moving", ":moved"}) moments.push_back(step + moment);
  }
  return moments;
}

std::string step_of(const std::string& moment) { return moment.substr(0, moment.find(':')); }

class LostRankTest : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    fs::create_directories(path("tmp"));
  }

  std::string load(int ranks) const {
    std::string text = kLoad;
    const std::string word = "RANKS";
    text.replace(text.find(word), word.size(), std::to_string(ranks));
    return write("load.yaml", text);
  }

  // A launch in which a rank ends there; it must itself have ended in so many seconds.
  Ended launch(int ranks, const std::string& end_at, double patience, double most) const {
    const auto before = Clock::now();
    Ended ended = run("launch --ranks " + std::to_string(ranks) + " --patience " +
                          std::to_string(patience) + " " + load(ranks),
                      "TMPDIR=" + path("tmp") + " LOADPROOF_END_AT=" + end_at);
    const std::chrono::duration<double> took = Clock::now() - before;
    EXPECT_LT(took.count(), most) << end_at;
    EXPECT_EQ(ended.code, 2) << end_at << ended.out << ended.err;
    expect_nothing_left(end_at);
    return ended;
  }

  void expect_nothing_left(const std::string& what) const {
    EXPECT_TRUE(fs::is_empty(path("tmp"))) << what << ": a file is left";
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
      const std::string line = text_of(entry.path() / "cmdline");
      EXPECT_EQ(line.find(path("load.yaml")), line.npos) << what << ": a process is left";
    }
  }

  void kill_everywhere(int ranks, int rank, const std::vector<std::string>& moments) const {
    constexpr double kPatience = 60, kMost = 15;
    for (const std::string& moment : moments) {
      const std::string end_at = std::to_string(rank) + ":" + moment;
      const Ended ended = launch(ranks, end_at, kPatience, kMost);
      const std::string name = "rank " + std::to_string(rank);
      EXPECT_THAT(ended.err, HasSubstr(name + " was killed by signal 9 (Killed)")) << end_at;
      if (rank == 0) {
        EXPECT_THAT(ended.err, HasSubstr("rank 1: rank 0 is ")) << end_at;
        continue;
      }
      EXPECT_THAT(first_line_of_error(ended),
                  AllOf(HasSubstr(name + " is lost: its process has ended ("),
                        HasSubstr(step_of(moment)), HasSubstr("; rank")))
          << end_at;
    }
  }

  static std::string first_line_of_error(const Ended& ended) {
    const size_t begin = ended.out.find('\n') + 1;
    return ended.out.substr(begin, ended.out.find('\n', begin) - begin);
  }
};

TEST_F(LostRankTest, OfTwoKilledAnywhere) {
  for (int rank : {0, 1}) kill_everywhere(2, rank, moments_of(rank));
}

TEST_F(LostRankTest, OfFourKilledAtEachStep) {
  for (int rank : {0, 1, 2, 3}) kill_everywhere(4, rank, steps_of(rank));
}

TEST_F(LostRankTest, OfFourKilledInTransfers) {
  kill_everywhere(4, 2, {"sync:moving", "cut:moving", "join:moving", "meet:moving"});
}

TEST_F(LostRankTest, StoppedAnywhere) {
  constexpr double kPatience = 1, kMost = 12;
  for (const char* moment : {"hold", "sync:waiting", "cut:moving", "join:moved", "again"}) {
    const std::string end_at = "1:" + std::string(moment) + ":stop";
    EXPECT_THAT(first_line_of_error(launch(3, end_at, kPatience, kMost)),
                AllOf(HasSubstr("rank 1 is lost: has said nothing for 1 s ("),
                      HasSubstr(step_of(moment)), HasSubstr("; rank")))
        << end_at;
  }
}

// Its other threads go on, and so does the signal of life.
TEST_F(LostRankTest, HangsAnywhere) {
  constexpr double kPatience = 1, kMost = 12;
  for (const char* moment : {"hold", "sync:waiting", "cut:moving", "join:moved", "again"}) {
    const std::string end_at = "1:" + std::string(moment) + ":hang";
    EXPECT_THAT(first_line_of_error(launch(3, end_at, kPatience, kMost)),
                AllOf(HasSubstr("rank 1 is lost: has said nothing for 1 s ("),
                      HasSubstr(step_of(moment)), HasSubstr("; rank"),
                      Not(HasSubstr("rank 0 is lost")), Not(HasSubstr("rank 2 is lost"))))
        << end_at;
  }
  for (const char* moment : {"load", "join:moving"})
    EXPECT_THAT(launch(3, "0:" + std::string(moment) + ":hang", kPatience, kMost).err,
                HasSubstr("rank 0: rank 0 is lost: has said nothing for 1 s"))
        << moment;
}

TEST_F(LostRankTest, FirstStoppedAnywhere) {
  for (const char* moment : {"load", "join:moving"}) {
    const Ended ended = launch(3, "0:" + std::string(moment) + ":stop", 1, 12);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("rank 1: rank 0 is lost: has said nothing for 1 s"),
                                 HasSubstr("rank 2: rank 0 is lost"),
                                 HasSubstr("rank 0 did not end, and was killed")))
        << moment;
  }
}

TEST_F(LostRankTest, BeforeItHasCome) {
  EXPECT_THAT(launch(3, "2", 60, 15).out,
              HasSubstr("rank 2 never came: it was killed by signal 9 (Killed)"));
  EXPECT_THAT(launch(3, "2:stop", 1, 12).out, HasSubstr("rank 2 never came within 1 s"));
  EXPECT_THAT(launch(3, "0", 1, 12).err, HasSubstr("rank 1: rank 0 is lost: it has not answered"));
  EXPECT_THAT(launch(3, "0:stop", 1, 12).err,
              HasSubstr("rank 1: rank 0 is lost: it has not answered"));
}

// As any launcher starts them: each process says by itself what it knows.
TEST_F(LostRankTest, WithoutALaunch) {
  for (int lost : {0, 2}) {
    const std::string line =
        "for rank in 0 1 2; do (RANK=$rank WORLD_SIZE=3 MASTER_ADDR=127.0.0.1 MASTER_PORT=29747 "
        "TMPDIR=" + path("tmp") + " LOADPROOF_END_AT=" + std::to_string(lost) + ":cut:moving " +
        shell_word(LOADPROOF_PROGRAM) + " run --processes " + load(3) + " > " + path("out") +
        "$rank 2>&1; echo $? > " + path("code") + "$rank) & done; wait";
    ASSERT_EQ(shell(line).code, 0);
    for (int rank : {0, 1, 2}) {
      const std::string number = std::to_string(rank);
      EXPECT_EQ(text_of(path("code" + number)), rank == lost ? "137\n" : "2\n");
      if (rank == 0 && lost != 0) {
        EXPECT_THAT(text_of(path("out0")), HasSubstr("rank 2 is lost: its process has ended"));
      } else if (rank != lost) {
        EXPECT_THAT(text_of(path("out" + number)), HasSubstr("rank " + number + ": rank 0 is "));
      }
    }
  }
}

TEST_F(LostRankTest, IsSetByAVariableThatIsRead) {
  const Ended ended = run("launch --ranks 2 " + load(2), "LOADPROOF_END_AT=1:cut:later");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("LOADPROOF_END_AT is '1:cut:later'"));
}

}  // namespace
}  // namespace loadproof::harness
