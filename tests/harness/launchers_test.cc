// Launchers of others, and several hosts: those that this machine has. LOADPROOF_TORCHRUN may say
// how torchrun is called.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "sim/procs/link.h"
#include "tests/harness/program.h"
#include "tests/harness/report_cases.h"

namespace loadproof::harness {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSmoke = "scenarios/smoke scenarios/recorded/broadcast_did_not_fix_it.yaml";

class LaunchersTest : public Program {
 protected:
  bool works(const std::string& line) const {
    return shell("(" + line + ") > " + path("out") + " 2> " + path("err")).code == 0;
  }

  std::string program() const { return shell_word(LOADPROOF_PROGRAM) + " "; }

  // What four processes report is what one does, and so is their code, for what passes and what
  // does not; a rank that dies is named, and nothing goes on.
  void try_launcher(const std::string& launcher) const {
    Ended ended = run(std::string("run --json ") + path("one.json") + " " + kSmoke);
    ASSERT_EQ(ended.code, 0);
    ended = launch(launcher, "--json " + path("all.json") + " " + kSmoke);
    ASSERT_EQ(ended.code, 0) << ended.out << ended.err;
    EXPECT_EQ(cases_of(text_of(path("all.json"))), cases_of(text_of(path("one.json"))));
    const std::string bad = write("bad.yaml", R"(about: a
world: {ranks: 4}
tensors: {w: {shape: [4]}}
steps: [{alloc: {of: w, as: empty}}, {broadcast: {id: sync, of: w, src: 0}}]
)");
    EXPECT_EQ(launch(launcher, bad).code, 1);
    const auto before = std::chrono::steady_clock::now();
    ended = launch("env LOADPROOF_END_AT=2:sync:moving " + launcher, bad);
    EXPECT_NE(ended.code, 0);
    EXPECT_THAT(ended.out + ended.err, HasSubstr("rank 2 is lost: its process has ended"));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(45));
  }

  static std::string at_free_port(const std::string& launcher) {
    return "env MASTER_PORT=" + std::to_string(sim::free_port()) + " " + launcher;
  }

  Ended launch(const std::string& launcher, const std::string& arguments) const {
    return shell(launcher + " " + program() + "run --processes " + arguments + " > " +
                 path("out") + " 2> " + path("err"));
  }
};

TEST_F(LaunchersTest, Torchrun) {
  const char* said = std::getenv("LOADPROOF_TORCHRUN");
  const std::string torchrun = said ? said : "torchrun";
  if (!works(torchrun + " --help")) GTEST_SKIP() << "there is no torchrun here that works";
  try_launcher(torchrun + " --no-python --nproc-per-node 4 --master-port " +
               std::to_string(sim::free_port()));
}

TEST_F(LaunchersTest, OpenMpi) {
  const std::string mpirun =
      "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np 4";
  if (!works("mpirun --version | grep 'Open MPI' && " + mpirun + " true"))
    GTEST_SKIP() << "there is no mpirun of Open MPI here that works";
  try_launcher(at_free_port(mpirun));
}

TEST_F(LaunchersTest, Slurm) {
  const std::string srun = "srun --quiet --overcommit -n 4";
  if (!works("timeout 10 " + srun + " true"))
    GTEST_SKIP() << "there is no Slurm here that takes jobs";
  try_launcher(at_free_port(srun));
}

// Namespaces in place of hosts: 0 has ranks 0 and 1, 1 and 2 have one each, and all are on
// one bridge.
class HostsTest : public LaunchersTest {
 protected:
  void SetUp() override {
    LaunchersTest::SetUp();
    if (!works("set -e; unshare --pid --fork true; " + set_up()))
      GTEST_SKIP() << "no network namespaces can be made here";
  }
  void TearDown() override {
    for (const char* name : {"0", "1", "2", "net"}) works("ip netns del " + name_ + name);
    LaunchersTest::TearDown();
  }

  // Starts all ranks; `then` is run beside them. Each one's code is in a file.
  Ended run_ranks(const std::string& arguments, const std::string& then,
                  const std::string& first = "192.168.77.1") const {
    std::string line;
    for (int rank = 0; rank < 4; ++rank) {
      const std::string number = std::to_string(rank);
      line += "(RANK=" + number +
              " WORLD_SIZE=4 MASTER_PORT=29500 MASTER_ADDR=" + first + " ip netns exec " + name_ +
              std::to_string(std::max(0, rank - 1)) + " unshare --pid --fork " + program() +
              "run --processes " +
              arguments + " > " + path("out" + number) + " 2>&1; echo $? > " +
              path("code" + number) + ") & ";
    }
    return shell(line + then + " wait");
  }
  std::string told(int rank) const { return text_of(path("out" + std::to_string(rank))); }
  std::string code(int rank) const { return text_of(path("code" + std::to_string(rank))); }
  const std::string& name() const { return name_; }
  std::string net() const { return "ip -n " + name_ + "net "; }

 private:
  const std::string name_ = "loadproof-" + std::to_string(getpid()) + "-";

  std::string set_up() const {
    std::string line = "ip netns add " + name_ + "net; " + net() +
                       "link add name bridge type bridge; " + net() + "link set bridge up; ";
    for (const std::string host : {"0", "1", "2"}) {
      const std::string here = "ip -n " + name_ + host + " ";
      line += "ip netns add " + name_ + host + "; " + here + "link set lo up; " +
              "ip link add wire netns " + name_ + host + " type veth peer name to" + host +
              " netns " + name_ + "net; " + here + "addr add 192.168.77." +
              std::to_string(std::stoi(host) + 1) + "/24 dev wire; " + here +
              "link set wire up; (" + here + "addr add fd77::" +
              std::to_string(std::stoi(host) + 1) + "/64 dev wire nodad || true); " + net() +
              "link set to" + host + " master bridge up; ";
    }
    return line;
  }
};

TEST_F(HostsTest, ReportWhatOneProcessReports) {
  ASSERT_EQ(run(std::string("run --json ") + path("one.json") + " " + kSmoke).code, 0);
  for (const char* first : {"192.168.77.1", "fd77::1"}) {
    if (first[0] == 'f' && !works("ip -6 -n " + name() + "0 addr show dev wire | grep fd77"))
      GTEST_SKIP() << "there is no IPv6 here";
    run_ranks("--json " + path("all.json") + " " + kSmoke, "", first);
    for (int rank : {0, 1, 2, 3}) EXPECT_EQ(code(rank), "0\n") << told(rank);
    EXPECT_EQ(cases_of(text_of(path("all.json"))), cases_of(text_of(path("one.json"))));
  }
}

TEST_F(HostsTest, OneThatIsCutOffIsNamed) {
  const std::string waits = "while ! grep -q pass " + path("out0") + "; do sleep 0.05; done; ";
  const auto before = std::chrono::steady_clock::now();
  run_ranks("--patience 2 --twice scenarios/incidents scenarios/reported",
            waits + net() + "link set to2 down;");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(45));
  for (int rank : {0, 1, 2, 3}) EXPECT_EQ(code(rank), "2\n") << rank;
  EXPECT_THAT(told(0), HasSubstr("rank 3 is lost: has said nothing for 2 s"));
  EXPECT_THAT(told(1), HasSubstr("rank 1: rank 0 is "));
  EXPECT_THAT(told(3), HasSubstr("rank 3: rank 0 is lost: has said nothing for 2 s"));
}

}  // namespace
}  // namespace loadproof::harness
