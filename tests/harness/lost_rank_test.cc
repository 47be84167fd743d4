// A rank that is killed or stopped, tried at each step of a load: who it was and where is told, the
// others end within the time that is promised, and nothing is left.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "sim/procs/link.h"
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

// Seconds: of what is not noticed at once; and of what is. The latter is less than the patience,
// and much, since other tests may run beside these.
constexpr double kPatience = 3, kMost = 40, kLong = 90, kSoon = 60;

class LostRankTest : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    for (int ranks : {2, 3, 4}) {
      std::string text = kLoad;
      const std::string word = "RANKS";
      text.replace(text.find(word), word.size(), std::to_string(ranks));
      write(fs::path(load(ranks)).filename(), text);
    }
  }

  std::string load(int ranks) const {
    return path("load" + std::to_string(ranks) + ".yaml");
  }

  // A launch in which a rank ends there; it must itself have ended in so many seconds. Any number
  // at once, of different ends.
  Ended launch(int ranks, const std::string& end_at, double patience, double most) const {
    const std::string own = path(std::to_string(ranks) + ":" + end_at + "/");
    fs::create_directories(own + "tmp");
    const auto before = Clock::now();
    const int status = std::system(
        ("TMPDIR=" + own + "tmp LOADPROOF_END_AT=" + end_at + " " + shell_word(LOADPROOF_PROGRAM) +
         " launch --ranks " + std::to_string(ranks) + " --patience " + std::to_string(patience) +
         " --json " + own + "report.json " + load(ranks) + " > " + own + "out 2> " + own + "err")
            .c_str());
    const std::chrono::duration<double> took = Clock::now() - before;
    const Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(own + "out"),
                      text_of(own + "err")};
    EXPECT_LT(took.count(), most) << end_at;
    EXPECT_EQ(ended.code, 2) << end_at << ended.out << ended.err;
    EXPECT_TRUE(fs::is_empty(own + "tmp")) << end_at << ": a file is left";
    EXPECT_FALSE(is_in_a_command(own)) << end_at << ": a process is left";
    return ended;
  }

  static bool is_in_a_command(const std::string& word) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
      const std::string line = text_of(entry.path() / "cmdline");
      if (line.starts_with("loadproof") && line.find(word) != line.npos) return true;
    }
    return false;
  }

  // They mostly wait: several go at once.
  static void for_each(const std::vector<std::string>& moments,
                       const std::function<void(const std::string&)>& work) {
    constexpr size_t kAtOnce = 3;
    std::atomic<size_t> next = 0;
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < kAtOnce; ++i)
      threads.emplace_back([&] {
        for (size_t mine = next++; mine < moments.size(); mine = next++) work(moments[mine]);
      });
  }

  void kill_everywhere(int ranks, int rank, const std::vector<std::string>& moments) const {
    for_each(moments, [&](const std::string& moment) {
      const std::string end_at = std::to_string(rank) + ":" + moment;
      const Ended ended = launch(ranks, end_at, kLong, kSoon);
      const std::string name = "rank " + std::to_string(rank);
      EXPECT_THAT(ended.err, HasSubstr(name + " was killed by signal 9 (Killed)")) << end_at;
      if (rank == 0) {
        EXPECT_THAT(ended.err, HasSubstr("rank 1: rank 0 is ")) << end_at;
        return;
      }
      EXPECT_THAT(first_line_of_error(ended),
                  AllOf(HasSubstr(name + " is lost: its process has ended ("),
                        HasSubstr(step_of(moment)), HasSubstr("; rank")))
          << end_at;
    });
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
  for_each({"hold", "sync:waiting", "cut:moving", "join:moved"}, [&](const std::string& moment) {
    const std::string end_at = "1:" + moment + ":stop";
    EXPECT_THAT(first_line_of_error(launch(3, end_at, kPatience, kMost)),
                AllOf(HasSubstr("rank 1 is lost: has said nothing for 3 s ("),
                      HasSubstr(step_of(moment)), HasSubstr("; rank")))
        << end_at;
  });
}

// Its other threads go on, and so does the signal of life.
TEST_F(LostRankTest, HangsAnywhere) {
  for_each({"hold", "sync:waiting", "cut:moving", "join:moved"}, [&](const std::string& moment) {
    const std::string end_at = "1:" + moment + ":hang";
    EXPECT_THAT(first_line_of_error(launch(3, end_at, kPatience, kMost)),
                AllOf(HasSubstr("rank 1 is lost: has said nothing for 3 s ("),
                      HasSubstr(step_of(moment)), HasSubstr("; rank"),
                      Not(HasSubstr("rank 0 is lost")), Not(HasSubstr("rank 2 is lost"))))
        << end_at;
  });
}

TEST_F(LostRankTest, FirstStoppedOrHangs) {
  for_each({"load:stop", "join:moving:stop"}, [&](const std::string& how) {
    EXPECT_THAT(launch(3, "0:" + how, kPatience, kMost).err,
                AllOf(HasSubstr("rank 1: rank 0 is lost: has said nothing for 3 s"),
                      HasSubstr("rank 2: rank 0 is lost"),
                      HasSubstr("rank 0 was killed by signal 9")));
  });
  for_each({"load:hang", "join:moving:hang"}, [&](const std::string& how) {
    EXPECT_THAT(launch(3, "0:" + how, kPatience, kMost).err,
                HasSubstr("rank 0: rank 0 is lost: has said nothing for 3 s"));
  });
}

TEST_F(LostRankTest, BeforeItHasCome) {
  const std::pair<const char*, const char*> cases[] = {
      {"2", "rank 2 never came: it was killed by signal 9 (Killed)"},
      {"2:stop", "rank 2 never came within 3 s"},
      {"0", "rank 0 was killed by signal 9 (Killed)"},
      {"0:stop", "rank 1: rank 0 is lost: it has not answered"},
  };
  for_each({"0", "1", "2", "3"}, [&](const std::string& number) {
    const auto& [how, told] = cases[std::stoul(number)];
    const Ended ended = launch(3, how, kPatience, kMost);
    EXPECT_THAT(ended.out + ended.err, HasSubstr(told)) << how;
  });
}

// As any launcher starts them: each process says by itself what it knows, and none is left, though
// nobody else looks after one that is stopped.
TEST_F(LostRankTest, WithoutALaunch) {
  const std::pair<int, const char*> cases[] = {{0, ""}, {2, ""}, {0, ":stop"}, {2, ":stop"}};
  for (const auto& [lost, how] : cases) {
    const std::string line =
        "for rank in 0 1 2; do (RANK=$rank WORLD_SIZE=3 MASTER_ADDR=127.0.0.1 MASTER_PORT=" +
        std::to_string(sim::free_port()) +
        " LOADPROOF_END_AT=" + std::to_string(lost) + ":cut:moving" + how + " " +
        shell_word(LOADPROOF_PROGRAM) + " run --processes --patience 3 " + load(3) + " > " +
        path("out") + "$rank 2>&1; echo $? > " + path("code") + "$rank) & done; wait";
    ASSERT_EQ(shell(line).code, 0);
    for (int rank : {0, 1, 2}) {
      const std::string number = std::to_string(rank);
      EXPECT_EQ(text_of(path("code" + number)), rank == lost ? "137\n" : "2\n");
      if (rank == 0 && lost != 0) {
        EXPECT_THAT(text_of(path("out0")), HasSubstr("rank 2 is lost: "));
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
