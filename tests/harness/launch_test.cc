// A process for each rank: what comes of a case is what comes of it in one process, and no process
// outlives the launch, whatever becomes of a rank.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "sim/procs/link.h"
#include "tests/harness/program.h"
#include "tests/harness/report_cases.h"

namespace loadproof::harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

constexpr const char* kSmoke = "scenarios/smoke/ram_efficient_loading.yaml";

// A process and its parent; nothing of one that is gone.
struct Parent {
  pid_t process = 0, parent = 0;
};

std::vector<Parent> all_processes() {
  std::vector<Parent> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    std::getline(stat, text);
    const size_t end = text.rfind(')');
    if (end == text.npos || text.size() < end + 4 || text[end + 2] == 'Z') continue;
    all.push_back({std::stoi(name), std::stoi(text.substr(end + 4))});
  }
  return all;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const Parent& one : all_processes())
    if (one.parent == parent) children.push_back(one.process);
  std::ranges::sort(children);
  return children;
}

class LaunchTest : public Program {
 protected:
  // How many cases the processes ran; each as one process does.
  int compare(int ranks, const std::string& arguments) const {
    const Ended one = run("run --json " + path("one.json") + " " + arguments);
    const Ended all = run("launch --ranks " + std::to_string(ranks) + " --json " +
                          path("all.json") + " " + arguments);
    EXPECT_EQ(all.code, one.code) << all.out << all.err;
    const auto here = cases_of(text_of(path("one.json"))),
               there = cases_of(text_of(path("all.json")));
    EXPECT_EQ(here.size(), there.size());
    int ran = 0;
    for (const auto& [id, told] : there) {
      if (told.at("status") == "skip") continue;
      ++ran;
      EXPECT_EQ(told, here.at(id)) << id;
    }
    return ran;
  }

  // Starts the program and goes on.
  pid_t start(const std::string& arguments) const {
    const std::string line = "exec " + shell_word(LOADPROOF_PROGRAM) + " " + arguments + " > " +
                             path("out") + " 2> " + path("err");
    const pid_t id = fork();
    if (id == 0) execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    return id;
  }
  static int end_of(pid_t id) {
    int status = 0;
    waitpid(id, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // The ranks, in order, once the first case is over.
  std::vector<pid_t> ranks_of(pid_t launch, size_t ranks) const {
    for (int i = 0; i < 1000; ++i) {
      const std::vector<pid_t> found = children_of(launch);
      if (found.size() == ranks && text_of(path("out")).find("pass") != std::string::npos)
        return found;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "no case has ended: " << text_of(path("err"));
    return {};
  }
  static std::string first_of_three() {
    return "RANK=0 WORLD_SIZE=3 MASTER_ADDR=127.0.0.1 MASTER_PORT=" +
           std::to_string(sim::free_port());
  }
  static void expect_gone(const std::vector<pid_t>& processes) {
    for (int i = 0; i < 300; ++i) {
      const std::vector<Parent> all = all_processes();
      if (std::ranges::none_of(all, [&](const Parent& one) {
            return std::ranges::find(processes, one.process) != processes.end();
          }))
        return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "a process is left";
  }
};

TEST_F(LaunchTest, TwoProcessesShowWhatOneShows) {
  EXPECT_GT(compare(2, "scenarios/recorded/broadcast_did_not_fix_it.yaml scenarios/canaries"), 30);
}

TEST_F(LaunchTest, FourProcessesShowWhatOneShows) {
  EXPECT_GT(compare(4, "scenarios/smoke scenarios/incidents"), 150);
}

TEST_F(LaunchTest, RunsCasesTwiceAndTellsFailures) {
  EXPECT_EQ(compare(2, "--twice scenarios/smoke"), 5);
  const std::string failing = write("x.yaml", R"(about: a
world: {ranks: 2}
tensors: {w: {shape: [4]}}
steps: [{alloc: {of: w, as: empty}}, {broadcast: {of: w, src: 0}}]
)");
  EXPECT_EQ(compare(2, failing), 1);
  EXPECT_EQ(run("launch --ranks 2 " + failing).code, 1);
}

TEST_F(LaunchTest, ProcessesHaveTensorsOnADevice) {
  EXPECT_GT(compare(2, "--device fenced scenarios/canaries"), 20);
}

TEST_F(LaunchTest, SaysWhatItLeavesOut) {
  const Ended ended = run(std::string("launch --ranks 1 ") + kSmoke);
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("skip  "), HasSubstr("has 2 ranks, and there are 1"),
                               HasSubstr("5 cases: 0 passed, 5 skipped")));
  EXPECT_THAT(run(std::string("launch --ranks 2 --backend sim ") + kSmoke).out,
              HasSubstr("moves bytes by the sim backend"));
}

TEST_F(LaunchTest, AnswersBadInputWithACodeAndAMessage) {
  const std::string smoke = kSmoke;
  const std::pair<std::string, const char*> cases[] = {
      {"launch " + smoke, "--ranks"},
      {"launch --ranks 0 " + smoke, "from 1 to"},
      {"launch --ranks 2", "what to run"},
      {"launch --ranks 2 absent.yaml", "absent.yaml"},
      {"launch --ranks 2 " + smoke + " --jobs 2", "--jobs"},
      {"launch --ranks 2 " + smoke + " --patience 0", "--patience"},
      {"run --processes " + smoke, "no launcher has said which rank this is"},
  };
  for (const auto& [arguments, message] : cases) {
    const Ended ended = run(arguments, "env -u RANK -u WORLD_SIZE");
    EXPECT_EQ(ended.code, 2) << arguments;
    EXPECT_THAT(ended.err, HasSubstr(message)) << arguments;
  }
  EXPECT_THAT(run("run --processes " + smoke, "RANK=2 WORLD_SIZE=2").err,
              HasSubstr("RANK is 2 and WORLD_SIZE is 2"));
}

// A stray variable changes nothing where nobody has asked for processes.
TEST_F(LaunchTest, IsAskedForByName) {
  EXPECT_EQ(run(std::string("run ") + kSmoke, "RANK=1 WORLD_SIZE=2").code, 0);
}

TEST_F(LaunchTest, NamesARankThatIsKilledAndEnds) {
  const pid_t launch = start("launch --ranks 4 scenarios/incidents --twice --patience 30");
  const std::vector<pid_t> ranks = ranks_of(launch, 4);
  ASSERT_EQ(ranks.size(), 4u);
  const auto before = std::chrono::steady_clock::now();
  kill(ranks[2], SIGKILL);
  EXPECT_EQ(end_of(launch), 2);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
  EXPECT_THAT(text_of(path("out")),
              AllOf(HasSubstr("rank 2 is lost: its process has ended"),
                    HasSubstr("could not run")));
  expect_gone(ranks);
}

TEST_F(LaunchTest, NamesARankThatHangsAndEnds) {
  const pid_t launch = start("launch --ranks 3 scenarios/incidents --twice --patience 2");
  const std::vector<pid_t> ranks = ranks_of(launch, 3);
  ASSERT_EQ(ranks.size(), 3u);
  kill(ranks[1], SIGSTOP);
  EXPECT_EQ(end_of(launch), 2);
  EXPECT_THAT(text_of(path("out")), HasSubstr("rank 1 is lost: "));
  expect_gone(ranks);
}

TEST_F(LaunchTest, EndsWhenItsFirstRankHangs) {
  const pid_t launch = start("launch --ranks 2 scenarios/incidents --twice --patience 2");
  const std::vector<pid_t> ranks = ranks_of(launch, 2);
  ASSERT_EQ(ranks.size(), 2u);
  kill(ranks[0], SIGSTOP);
  EXPECT_EQ(end_of(launch), 2);
  EXPECT_THAT(text_of(path("err")), HasSubstr("rank 0 is lost: has said nothing for 2 s"));
  expect_gone(ranks);
}

TEST_F(LaunchTest, EndsWithItsFirstRankAndWithItself) {
  for (const bool first_rank : {true, false}) {
    const pid_t launch = start("launch --ranks 2 scenarios/incidents --twice");
    const std::vector<pid_t> ranks = ranks_of(launch, 2);
    ASSERT_EQ(ranks.size(), 2u);
    kill(first_rank ? ranks[0] : launch, SIGKILL);
    EXPECT_EQ(end_of(launch), first_rank ? 2 : -1);
    if (first_rank) {
      EXPECT_THAT(text_of(path("err")), HasSubstr("rank 0 was killed by signal 9"));
    }
    expect_gone(ranks);
  }
}

TEST_F(LaunchTest, NamesRanksThatNeverCome) {
  const Ended ended = run(std::string("run --processes --patience 1 ") + kSmoke,
                          first_of_three());
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, HasSubstr("ranks 1, 2 never came within 1 s; rank 0 waits for them"));
}

// As launchers do once a rank has died.
TEST_F(LaunchTest, NamesRanksThatHaveNotComeWhenItIsToldToEnd) {
  const Ended ended = run(std::string("run --processes ") + kSmoke,
                          first_of_three() + " timeout --preserve-status -s TERM 4");
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, HasSubstr("ranks 1, 2 never came before rank 0 was told to end by "
                                   "signal 15 (Terminated); rank 0 waits for them"));
}

}  // namespace
}  // namespace loadproof::harness
